import { describe, expect, test } from "vitest";
import type { Reason } from "../src/reasons";
import { type Kong, kongReply } from "../src/replies/kong";
import { HASH, KEY, key, TestEdge } from "./world/world";

const ID = "0123456789abcdef0123456789abcdef";
const MISSING = "No API key found in request";
const DUPLICATE = "Duplicate API key found";
const INVALID = "Invalid authentication credentials";

interface Expected {
  status: number;
  type: string;
  body: string;
  challenge: string | null;
}

async function written(kong: Kong, reason: Reason, accept: string | null, realm?: string): Promise<Expected> {
  const asked = { accept, client: "203.0.113.7", realm, requestId: ID, latency: 3 };
  const answer = kongReply(kong, { reason }, asked);
  if (answer === undefined) throw new Error(reason);
  return {
    status: answer.status,
    type: answer.headers.get("content-type") ?? "",
    body: await answer.text(),
    challenge: answer.headers.get("www-authenticate"),
  };
}

/** The bytes of a body, spelt out: by form, then by what is said. */
const BODIES = {
  compact: (said: string) => `{"message":"${said}"}`,
  json: (said: string) => `{\n  "message":"${said}"\n}`,
  jsonWithId: (said: string) => `{\n  "message":"${said}",\n  "request_id":"${ID}"\n}`,
  plain: (said: string) => `${said}\n`,
  plainWithId: (said: string) => `${said}\nrequest_id: ${ID}\n`,
  xml: (said: string) => `<?xml version="1.0" encoding="UTF-8"?>\n<error>\n  <message>${said}</message>\n</error>\n`,
  xmlWithId: (said: string) =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<error>\n  <message>${said}</message>\n  <requestid>${ID}</requestid>\n</error>\n`,
};

/** What each version says: [missing, duplicate, invalid] as [status, message, challenge]. */
const SAYS: Record<Kong, readonly (readonly [number, string, string | null])[]> = {
  "kong-0.14": [
    [401, MISSING, 'Key realm="kong"'],
    [401, DUPLICATE, null],
    [403, INVALID, null],
  ],
  "kong-1.1": [
    [401, MISSING, 'Key realm="kong"'],
    [401, DUPLICATE, null],
    [401, INVALID, null],
  ],
  "kong-2.1": [
    [401, MISSING, 'Key realm="kong"'],
    [401, DUPLICATE, null],
    [401, INVALID, null],
  ],
  "kong-3.0": [
    [401, MISSING, 'Key realm="kong"'],
    [401, DUPLICATE, null],
    [401, INVALID, null],
  ],
  "kong-3.5": [
    [401, MISSING, 'Key realm="kong"'],
    [401, DUPLICATE, null],
    [401, INVALID, null],
  ],
  "kong-3.6": [
    [401, MISSING, 'Key realm="kong"'],
    [401, DUPLICATE, null],
    [401, "Unauthorized", null],
  ],
  "kong-3.7": [
    [401, MISSING, "Key"],
    [401, DUPLICATE, "Key"],
    [401, "Unauthorized", "Key"],
  ],
};
const REASONS: readonly Reason[] = ["caller_missing", "credentials_ambiguous", "key_unknown"];

/** Accept, and which form it asks for from 2.1 on. */
const ACCEPTS: [string | null, "json" | "plain" | "xml"][] = [
  [null, "json"],
  ["*/*", "json"],
  ["application/*", "json"],
  ["application/json", "json"],
  ["image/png", "json"],
  ["text/plain", "plain"],
  ["text/*", "plain"],
  ["application/xml", "xml"],
  ["application/json;q=0.5, text/plain", "plain"],
  ["text/plain;q=0.9, application/xml;q=0.9", "plain"],
  ["text/plain;q=0, application/xml;q=0", "json"],
  ["text/plain;level=1;q=0.1, application/xml;q=0.5", "xml"],
  ["nonsense", "json"],
];
const TYPES = { json: "application/json", plain: "text/plain", xml: "application/xml" };

describe.each(Object.entries(SAYS) as [Kong, (typeof SAYS)[Kong]][])("%s", (kong, says) => {
  const isCompact = kong === "kong-0.14" || kong === "kong-1.1";
  const hasId = ["kong-3.5", "kong-3.6", "kong-3.7"].includes(kong);

  test.each(
    ACCEPTS.flatMap(([accept, form]) => REASONS.map((reason, at) => ({ accept, form, reason, said: says[at] }))),
  )("$reason for $accept", async ({ accept, form, reason, said }) => {
    const [status, message, challenge] = said ?? [0, "", null];
    const body = isCompact ? BODIES.compact : BODIES[hasId ? (`${form}WithId` as const) : form];
    const type = `${isCompact ? TYPES.json : TYPES[form]}; charset=utf-8`;
    expect(await written(kong, reason, accept)).toEqual({ status, type, body: body(message), challenge });
  });

  test.each(["key_malformed", "key_revoked", "key_disabled", "key_suspended", "key_expired"] as const)(
    "%s is told as an unknown key is",
    async (reason) => {
      expect(await written(kong, reason, null)).toEqual(await written(kong, "key_unknown", null));
    },
  );

  test("addresses, limits and missing routes have Kong's words", async () => {
    const isOld = ["kong-0.14", "kong-1.1", "kong-2.1"].includes(kong);
    const address = await written(kong, "address_refused", null);
    expect([address.status, address.challenge]).toEqual([403, null]);
    expect(address.body).toContain(isOld ? "Your IP address is not allowed" : "IP address not allowed: 203.0.113.7");
    expect((await written(kong, "rate_limited", null)).body).toContain("API rate limit exceeded");
    expect((await written(kong, "route_missing", null)).status).toBe(404);
    const answer = kongReply(
      kong,
      { reason: "key_unknown" },
      {
        accept: null,
        client: "",
        realm: undefined,
        requestId: ID,
        latency: 3,
      },
    );
    expect(answer?.headers.get("x-kong-response-latency")).toBe("3");
    expect(answer?.headers.get("x-kong-request-id")).toBe(hasId ? ID : null);
  });
});

test("the first form of the missing key's message has 45 bytes", async () => {
  expect((await written("kong-2.1", "caller_missing", null)).body.length).toBe(45);
});

test("from 3.7 on a realm is named, before it is not", async () => {
  expect((await written("kong-3.7", "key_unknown", null, "mine")).challenge).toBe('Key realm="mine"');
  expect((await written("kong-3.6", "caller_missing", null, "mine")).challenge).toBe('Key realm="kong"');
});

test("a page for people has the message and the id", async () => {
  const { body, type } = await written("kong-3.7", "caller_missing", "text/html");
  expect(type).toBe("text/html; charset=utf-8");
  for (const part of ["<h1>Error</h1>", `<p>${MISSING}.</p>`, `<p>request_id: ${ID}</p>`]) expect(body).toContain(part);
});

/** Place × what is there × who is asked: through the whole edge. */
describe("through the edge", () => {
  const OTHER = "another-key-0002-unknown";
  const places = [
    ["header", (raw: string) => ({ target: "/items", headers: { apikey: raw } })],
    ["query", (raw: string) => ({ target: `/items?apikey=${raw}`, headers: {} })],
    [
      "form",
      (raw: string) => ({
        target: "/items",
        body: `apikey=${raw}`,
        headers: { "content-type": "application/x-www-form-urlencoded" },
      }),
    ],
    [
      "json",
      (raw: string) => ({
        target: "/items",
        body: JSON.stringify({ apikey: raw }),
        headers: { "content-type": "application/json" },
      }),
    ],
  ] as const;
  const profiles = ["kong-1.1", "kong-3.4", "kong-3.7"] as const;
  const REPLIES = { "kong-1.1": "kong-1.1", "kong-3.4": "kong-3.0", "kong-3.7": "kong-3.7" } as const;

  test.each(places.flatMap(([place, made]) => profiles.map((profile) => ({ place, made, profile }))))(
    "$place, $profile",
    async ({ made, profile }) => {
      const edge = await TestEdge.start({
        REPLIES: REPLIES[profile],
        API_KEY_NAMES: "apikey",
        API_KEY_PLACES: "header,query,body",
        DOORS: "off",
      });
      edge.world.store.set(`key:${HASH}`, key());
      const ask = async (raw: string) => {
        const { target, ...init } = made(raw);
        const answer = await edge.ask(target, { method: "POST", ...init, headers: { ...init.headers } });
        const body = await answer.text();
        return [answer.status, /"message":"([^"]*)"/.exec(body)?.[1]];
      };
      const invalid = profile === "kong-3.7" ? "Unauthorized" : INVALID;
      expect(await ask(KEY)).toEqual([200, undefined]);
      expect(await ask(OTHER)).toEqual([401, invalid]);
      expect(await ask("short")).toEqual([401, invalid]);
      expect(await ask("")).toEqual([401, MISSING]);
    },
  );
});
