/** A Worker that signs with the npm package and does nothing else: no caller, no route, no look-up. */

import { appendSignature, createSignature } from "http-message-sig";

const COVERED = ["@method", "@authority", "edge-target", "edge-client"];

export default {
  async fetch(request, { EDGE_KEY_A }): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const target = `/prod${pathname}${search}`;
    const headers = new Headers(request.headers);
    headers.set("edge-target", target);
    headers.set("edge-client", `ip="${headers.get("cf-connecting-ip")}"`);
    const outgoing = new Request(`https://abc.execute-api.eu-west-1.amazonaws.com${target}`, { headers });
    const created = Math.floor(Date.now() / 1_000);
    const fields = await createSignature(outgoing, {
      label: "edge",
      components: COVERED,
      parameters: {
        created,
        expires: created + 60,
        keyid: "k",
        alg: "hmac-sha256",
        nonce: crypto.randomUUID(),
        tag: "x",
      },
      signer: {
        algorithm: "hmac-sha256",
        sign: async (base: Uint8Array) =>
          new Uint8Array(await crypto.subtle.sign("HMAC", EDGE_KEY_A, new Uint8Array(base))),
      },
    });
    return fetch(new Request(outgoing, { headers: appendSignature(outgoing.headers, fields) }));
  },
} satisfies ExportedHandler<{ EDGE_KEY_A: CryptoKey }>;
