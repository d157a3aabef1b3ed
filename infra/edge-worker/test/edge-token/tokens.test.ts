import { expect, test, vi } from "vitest";
import { told } from "../world/world";
import { answer, issuing, NOW, SECRET, TOKEN_URL } from "./world";

const GATEWAY = "abc.execute-api.eu-west-1.amazonaws.com";

test("the grant is asked for as RFC 6749 has it", async () => {
  const issuer = await issuing({ EDGE_TOKEN_SCOPE: "edge" });
  expect(await told(issuer.edge.call("/items"))).toBe("200");
  const [asked] = issuer.asked();
  expect([asked?.method, asked?.url]).toEqual(["POST", TOKEN_URL]);
  expect(asked?.headers.get("content-type")).toBe("application/x-www-form-urlencoded");
  expect(Object.fromEntries(new URLSearchParams(asked?.body))).toEqual({
    grant_type: "client_credentials",
    audience: GATEWAY,
    scope: "edge",
  });
  const [, credentials] = asked?.headers.get("authorization")?.split(" ") ?? [];
  const [id = "", secret = ""] = atob(credentials ?? "").split(":");
  expect([id, secret].map((part) => decodeURIComponent(part.replaceAll("+", " ")))).toEqual(["edge worker", SECRET]);
  expect(asked?.body).not.toContain("secret");
});

test("one request fetches for all, and the token serves until shortly before its end", async () => {
  const issuer = await issuing();
  const { edge } = issuer;
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => told(edge.call(`/${n}`))));
  expect(new Set(answers)).toEqual(new Set(["200"]));
  expect(issuer.asked().length).toBe(1);
  edge.world.time += 234_000;
  expect(await told(edge.call("/items"))).toBe("200");
  expect(issuer.asked().length).toBe(1);
  edge.world.time += 2_000;
  expect(await told(edge.call("/items"))).toBe("200");
  await Promise.all(edge.world.kept);
  expect(issuer.asked().length).toBe(2);
});

test("who has a token does not wait for the next", async () => {
  const issuer = await issuing();
  const { world } = issuer.edge;
  expect(await told(issuer.edge.call("/items"))).toBe("200");
  const first = issuer.forwarded()[0]?.headers.get("edge-token");
  let give = () => {};
  issuer.answering = async () => {
    await new Promise<void>((resolve) => {
      give = resolve;
    });
    return Response.json(await answer(GATEWAY, world));
  };
  world.time += 250_000;
  for (let n = 0; n < 10; n++) expect(await told(issuer.edge.call("/items"))).toBe("200");
  expect(issuer.asked().length).toBe(2);
  expect(issuer.forwarded().at(-1)?.headers.get("edge-token")).toBe(first);
  give();
  await Promise.all(world.kept);
  expect(await told(issuer.edge.call("/items"))).toBe("200");
  expect(issuer.forwarded().at(-1)?.headers.get("edge-token")).not.toBe(first);
});

test("a fetch that went with the request that began it holds up the next ones for a while, and no longer", async () => {
  const issuer = await issuing();
  const { world } = issuer.edge;
  issuer.answering = () => new Promise(() => {});
  const { within } = world;
  void issuer.edge.call("/gone");
  await vi.waitFor(() => expect(issuer.asked().length).toBe(1));
  world.within = () => Promise.reject(new Error("not in time"));
  expect(await told(issuer.edge.call("/items"))).toBe("503 edge_token_unavailable");
  issuer.answering = undefined;
  world.within = within;
  expect(await told(issuer.edge.call("/items"))).toBe("200");
  expect(issuer.asked().length).toBe(2);
});

test("each gateway has a token of its own", async () => {
  const OTHER = "def.execute-api.eu-west-1.amazonaws.com";
  const ORIGINS = JSON.stringify({
    api: { url: `https://${GATEWAY}/prod`, kind: "gateway" },
    other: { url: `https://${OTHER}:443/v1`, kind: "gateway" },
  });
  const issuer = await issuing({ ORIGINS });
  issuer.edge.routes({ match: { path: ["/other/*"] }, origin: "other" });
  for (const target of ["/items", "/other/a", "/items", "/other/a"])
    expect(await told(issuer.edge.call(target))).toBe("200");
  expect(issuer.asked().map(({ body }) => new URLSearchParams(body).get("audience"))).toEqual([GATEWAY, OTHER]);
  const tokens = issuer.forwarded().map(({ headers }) => headers.get("edge-token"));
  expect(new Set(tokens).size).toBe(2);
});

test("while the issuer fails the last token serves, and not a moment beyond its end", async () => {
  const issuer = await issuing();
  const { edge } = issuer;
  expect(await told(edge.call("/items"))).toBe("200");
  issuer.answering = () => Promise.reject(new Error("down"));
  edge.world.time = (NOW + 294) * 1_000;
  expect(await told(edge.call("/items"))).toBe("200");
  edge.world.time = (NOW + 295) * 1_000;
  expect(await told(edge.call("/items"))).toBe("503 edge_token_unavailable");
  issuer.answering = undefined;
  edge.world.time += 5_000;
  expect(await told(edge.call("/items"))).toBe("200");
});

test("an issuer that is down is asked once in five seconds, and there is nobody else to ask", async () => {
  const issuer = await issuing();
  issuer.answering = () => new Response(null, { status: 500 });
  for (let second = 0; second < 60; second++) {
    for (let n = 0; n < 20; n++) expect(await told(issuer.edge.call("/items"))).toBe("503 edge_token_unavailable");
    issuer.edge.world.time += 1_000;
  }
  expect(issuer.asked().length).toBe(12);
  expect(issuer.forwarded()).toEqual([]);
});

test("a token that is over soon does not bring about a fetch for each request", async () => {
  const issuer = await issuing();
  issuer.claims = { iat: NOW - 100, exp: NOW + 8 };
  for (let n = 0; n < 20; n++) expect(await told(issuer.edge.call("/items"))).toBe("200");
  issuer.edge.world.time += 2_000;
  for (let n = 0; n < 20; n++) expect(await told(issuer.edge.call("/items"))).toBe("200");
  expect(issuer.asked().length).toBe(1);
});

test.each<[string, () => Response]>([
  ["the issuer answers 401 invalid_client", () => Response.json({ error: "invalid_client" }, { status: 401 })],
  ["the issuer answers 400", () => Response.json({ error: `${SECRET} is wrong` }, { status: 400 })],
  ["the issuer answers 302", () => new Response(null, { status: 302, headers: { location: "https://evil.example/" } })],
  ["the issuer answers 503", () => new Response("<html>", { status: 503 })],
  ["the issuer's answer is none with a bearer token", () => new Response("<html>")],
  ["the issuer's answer is none with a bearer token", () => Response.json({ access_token: "a.b.c" })],
  [
    "the issuer's answer is none with a bearer token",
    () => Response.json({ access_token: "a.b.c", token_type: "DPoP" }),
  ],
  ["the issuer's answer is none with a bearer token", () => Response.json({ access_token: 1, token_type: "Bearer" })],
  [
    "the issuer's answer is none with a bearer token",
    () => new Response('{"access_token":"a","access_token":"b","token_type":"Bearer"}'),
  ],
  ["the issuer's answer is none with a bearer token", () => new Response("x".repeat(20_000))],
  [
    "the issuer's token is none that the authorizer reads: token_malformed",
    () => Response.json({ access_token: "2YotnFZFEjr1zCsicMWpAA", token_type: "bearer" }),
  ],
])("%s: the log says so, the client learns a code, and nobody is followed", async (cause, answering) => {
  const issuer = await issuing({ LOGS: "off" });
  issuer.answering = answering;
  const response = await issuer.edge.call("/items");
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ code: "edge_token_unavailable" });
  expect(issuer.edge.world.lines.map((line) => JSON.parse(line))).toEqual([
    { edge: "worker", code: "edge_token_unavailable", cause },
  ]);
  expect(issuer.edge.world.sent.length).toBe(1);
});

test("an issuer whose tokens last too long is told of, with what to change", async () => {
  const issuer = await issuing({ LOGS: "off" });
  issuer.claims = { exp: NOW + 3_600 };
  expect(await told(issuer.edge.call("/items"))).toBe("503 edge_token_unavailable");
  expect(issuer.edge.world.lines.join()).toContain("lasts 3600 s, and the authorizer takes 300 s at most");
});
