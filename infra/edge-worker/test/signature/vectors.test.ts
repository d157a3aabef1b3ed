import { createSignature, verifySignature } from "http-message-sig";
import { describe, expect, test } from "vitest";
import { base64, fromBase64, utf8 } from "../../src/bytes";
import { type Component, signatureBase, signatureParams } from "../../src/signature/base";
import type { Algorithm, SigningKey } from "../../src/signature/key";
import { forCaller, forDoor, type Header } from "../../src/signature/proof";
import { SETS, type Vector, vectorKey } from "./vectors";

const OF_THE_SIGNATURE = ["signature-input", "signature"];

/** The components of a vector in the order in which its parameters name them. */
function components(vector: Vector): Component[] {
  const covered = /^\(([^)]*)\)/.exec(vector.expected.signature_params)?.[1] ?? "";
  const { host } = new URL(vector.worker_url);
  return covered.split(" ").map((quoted) => {
    const name = quoted.slice(1, -1);
    const field = vector.headers.find(([sent]) => sent?.toLowerCase() === name)?.[1];
    return [name, name === "@method" ? vector.method : name === "@authority" ? host : (field ?? "")];
  });
}

/** What the edge would send for a vector. */
function ours(key: SigningKey, vector: Vector): Promise<Header[]> {
  const { host, pathname, search } = new URL(vector.worker_url);
  const field = (name: string) => vector.headers.find(([sent]) => sent?.toLowerCase() === name)?.[1];
  const nonce = /;nonce="([^"]*)"/.exec(vector.expected.signature_params)?.[1];
  const moment = { created: vector.now, nonce };
  if (pathname === "/.countersign/probe") {
    return forDoor(key, { door: "probe" }, { authority: host, prefix: "" }, undefined, moment);
  }
  const member = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(field("edge-client") ?? "")?.[1];
  const client = { ip: member("ip") ?? "", ray: member("ray"), country: member("country"), host: member("host") };
  const target = { method: vector.method, authority: host, target: pathname + search };
  return forCaller(
    key,
    { ...target, contentDigest: field("content-digest") },
    { client, keyHash: field("edge-key"), authorization: field("authorization") },
    moment,
  );
}

/** The edge sends no other fields, and names things in one order. */
const WRITTEN_OTHERWISE = [
  "another edge header, and a header that is not signed",
  "parameters in another order, without alg",
  "components in another order, under another label",
];

describe.each(Object.keys(SETS) as Algorithm[])("%s", (alg) => {
  const { vectors } = SETS[alg];

  test.each(vectors)("the base and the signature of: $name", async (vector) => {
    const key = await vectorKey(alg);
    const base = signatureBase(components(vector), vector.expected.signature_params);
    expect(base).toBe(vector.expected.base);
    const signature = fromBase64(vector.expected.signature);
    expect(signature && (await key.verify(utf8(base), signature))).toBe(true);
    if (alg !== "ecdsa-p256-sha256") {
      expect(base64(await key.sign(utf8(base)))).toBe(vector.expected.signature);
    }
    expect(await key.verify(utf8(`${base} `), signature ?? utf8(""))).toBe(false);
  });

  test.each(vectors.filter(({ name }) => !WRITTEN_OTHERWISE.includes(name)))(
    "the edge sends: $name",
    async (vector) => {
      const sent = await ours(await vectorKey(alg), vector);
      const fields = sent.filter(([name]) => !OF_THE_SIGNATURE.includes(name));
      const expected = vector.headers.map(([name, value]) => [name?.toLowerCase(), value]);
      expect(fields).toEqual(expected.filter(([name]) => !OF_THE_SIGNATURE.includes(name ?? "")));
      expect(new Map(sent).get("signature-input")).toBe(`edge=${vector.expected.signature_params}`);
      if (alg !== "ecdsa-p256-sha256") {
        expect(new Map(sent).get("signature")).toBe(`edge=:${vector.expected.signature}:`);
      }
    },
  );

  test.each(vectors.filter(({ name }) => !WRITTEN_OTHERWISE.includes(name)))(
    "another implementation accepts: $name",
    async (vector) => {
      const key = await vectorKey(alg);
      const headers = (await ours(key, vector)).map(([name, value]): [string, string] => [name, value]);
      const request = new Request(vector.worker_url, { method: vector.method, headers });
      const verifier = {
        algorithm: alg,
        verify: (base: Uint8Array, signature: Uint8Array) =>
          key.verify(new Uint8Array(base), new Uint8Array(signature)),
      };
      const covered = ["@method", "@authority", "edge-target"];
      const verified = await verifySignature(request, {
        policy: {
          algorithms: [alg],
          requiredComponents: covered,
          requiredParameters: ["created", "expires", "keyid", "tag"],
          maxAge: 60,
          now: vector.now,
          clockSkew: 5,
        },
        resolveVerifier: () => verifier,
      });
      expect(verified).toBeTruthy();
      const moved = new Request(`${vector.worker_url}x`, { method: "DELETE", headers });
      const stolen = verifySignature(moved, {
        policy: {
          algorithms: [alg],
          requiredComponents: covered,
          requiredParameters: [],
          maxAge: 60,
          now: vector.now,
          clockSkew: 5,
        },
        resolveVerifier: () => verifier,
      });
      await expect(stolen).rejects.toThrow();
    },
  );
});

test("what another implementation signs has the base that we build", async () => {
  const key = await vectorKey("hmac-sha256");
  const request = new Request("https://abc.example/a?b", { headers: { "edge-target": "/a?b", "edge-client": "x" } });
  const bases: string[] = [];
  await createSignature(request, {
    label: "edge",
    components: ["@method", "@authority", "edge-target", "edge-client"],
    parameters: { created: 1, expires: 61, keyid: key.keyid, alg: "hmac-sha256", tag: "countersign" },
    signer: {
      algorithm: "hmac-sha256",
      sign: async (base: Uint8Array) => {
        bases.push(new TextDecoder().decode(base));
        return new Uint8Array(await key.sign(new Uint8Array(base)));
      },
    },
  });
  const covered: Component[] = [
    ["@method", "GET"],
    ["@authority", "abc.example"],
    ["edge-target", "/a?b"],
    ["edge-client", "x"],
  ];
  const params = signatureParams(covered, [
    ["created", 1],
    ["expires", 61],
    ["keyid", key.keyid],
    ["alg", "hmac-sha256"],
    ["tag", "countersign"],
  ]);
  expect(bases).toEqual([signatureBase(covered, params)]);
});
