import { expect, test } from "vitest";
import { base64, utf8 } from "../../src/bytes";
import { signatureBase } from "../../src/signature/base";
import { type Algorithm, signingKeys } from "../../src/signature/key";
import { possession, question } from "../../src/signature/question";
import { bindings, vectorKey } from "./vectors";

const NOW = 1_800_000_000;
const COVERED = '("@method" "@authority" "@path" "edge-probe")';

interface Draft {
  method: string;
  authority: string;
  path: string;
  slot: string;
  covered: string;
  parameters: Record<string, string | number>;
  label: string;
}

/** Asked as key-sync asks, but for what is changed. */
async function ask(
  alg: Algorithm,
  change: (draft: Draft) => void = () => {},
  sent: (headers: Headers) => void = () => {},
) {
  const key = await vectorKey(alg);
  const parameters = { created: NOW, expires: NOW + 30, keyid: `"${key.keyid}"`, alg: `"${alg}"` };
  const rest = { nonce: '"0123456789abcdef"', tag: '"countersign-probe"' };
  const draft: Draft = {
    method: "POST",
    authority: "api.example.com",
    path: "/.countersign/probe",
    slot: 'slot="active"',
    covered: COVERED,
    parameters: { ...parameters, ...rest },
    label: "probe",
  };
  change(draft);
  const stated = Object.entries(draft.parameters).map(([name, value]) => `;${name}=${value}`);
  const params = draft.covered + stated.join("");
  const base = signatureBase(
    [
      ["@method", draft.method],
      ["@authority", draft.authority],
      ["@path", draft.path],
      ["edge-probe", draft.slot],
    ],
    params,
  );
  const headers = new Headers({
    "edge-probe": draft.slot,
    "signature-input": `${draft.label}=${params}`,
    signature: `${draft.label}=:${base64(await key.sign(utf8(base)))}:`,
  });
  sent(headers);
  const asked = { method: "POST", authority: "api.example.com", header: (name: string) => headers.get(name) };
  return question(asked, signingKeys(await bindings(alg)), NOW);
}

test.each(["hmac-sha256", "ed25519", "ecdsa-p256-sha256"] as const)(
  "%s: is read as key-sync writes it",
  async (alg) => {
    expect(await ask(alg)).toEqual({ slot: "active", nonce: "0123456789abcdef" });
    expect(await ask(alg, (draft) => (draft.slot = 'slot="standby"'))).toMatchObject({ slot: "standby" });
  },
);

const parameter = (name: string, value: string | number) => (draft: Draft) => {
  draft.parameters[name] = value;
};

test.each<[string, (draft: Draft) => void]>([
  ["another method", (draft) => (draft.method = "GET")],
  ["another host", (draft) => (draft.authority = "other.example.com")],
  ["another path", (draft) => (draft.path = "/items")],
  ["another slot", (draft) => (draft.slot = 'slot="both"')],
  ["no slot", (draft) => (draft.slot = "")],
  ["fewer components", (draft) => (draft.covered = '("@method" "@authority" "@path")')],
  ["another label", (draft) => (draft.label = "edge")],
  ["31 seconds old", parameter("created", NOW - 31)],
  ["six seconds ahead", parameter("created", NOW + 6)],
  ["expired", parameter("expires", NOW)],
  ["over before it began", (draft) => Object.assign(draft.parameters, { created: NOW + 4, expires: NOW + 3 })],
  ["an unknown key", parameter("keyid", '"another"')],
  ["another algorithm", parameter("alg", '"none"')],
  ["a caller's tag", parameter("tag", '"countersign"')],
  ["a short nonce", parameter("nonce", '"0123456789abcde"')],
  ["a long nonce", parameter("nonce", `"${"x".repeat(65)}"`)],
  ["a nonce with a quote in it", parameter("nonce", '"0123456789abcdef\\""')],
  ["a decimal", parameter("created", "1800000000.0")],
  ["one parameter more", parameter("x", 1)],
  ["one parameter less", (draft) => delete draft.parameters["alg"]],
])("is not accepted: %s", async (_, change) => {
  expect(await ask("hmac-sha256", change)).toBeUndefined();
});

test.each<[string, (headers: Headers) => void]>([
  ["no signature", (headers) => headers.delete("signature")],
  ["no input", (headers) => headers.delete("signature-input")],
  ["no probe", (headers) => headers.delete("edge-probe")],
  ["another signature", (headers) => headers.set("signature", `probe=:${base64(utf8("x".repeat(32)))}:`)],
  ["a second signature", (headers) => headers.append("signature", "probe=:AAAA:")],
  ["a second input", (headers) => headers.append("signature-input", "other=()")],
  ["the other slot", (headers) => headers.set("edge-probe", 'slot="standby"')],
])("is not accepted when sent with %s", async (_, sent) => {
  expect(await ask("hmac-sha256", () => {}, sent)).toBeUndefined();
});

test("a parameter given twice is not chosen from", async () => {
  const twice = (headers: Headers) =>
    headers.set("signature-input", `${headers.get("signature-input")};created=${NOW}`);
  expect(await ask("hmac-sha256", () => {}, twice)).toBeUndefined();
});

test("what proves possession is no signature base", () => {
  expect(new TextDecoder().decode(possession("id", "nonce"))).toBe("countersign-pop\nid\nnonce");
});

test("a question made to be read for ever is read once", async () => {
  const keys = signingKeys(await bindings("hmac-sha256"));
  const input = `probe=${COVERED}${';a=""'.repeat(20_000)}!`;
  const header = (name: string) =>
    name === "signature-input" ? input : name === "edge-probe" ? 'slot="active"' : null;
  // Read with backtracking this takes longer than anybody waits.
  expect(await question({ method: "POST", authority: "api.example.com", header }, keys, NOW)).toBeUndefined();
});
