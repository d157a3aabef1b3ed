import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KEY, Rig } from "./rig";

const GATEWAY = "abc.execute-api.eu-west-1.amazonaws.com";
const SETTINGS = {
  DOORS: "off",
  EDGE_PROOF: "token",
  EDGE_TOKEN_URL: "https://login.example/token",
  EDGE_TOKEN_CLIENT_ID: "edge",
  EDGE_TOKEN_CLIENT_SECRET: "secret",
};

let rig: Rig;
/** Of the issuer; the gateway answers as ever. */
let issuing: (response: ServerResponse) => void;
beforeEach(async () => {
  rig = await Rig.start(undefined, SETTINGS);
  rig.onRequest = (request, response) => (isIssuers(request) ? issuing(response) : response.end("from the gateway"));
});
afterEach(() => rig.stop());

const isIssuers = (request: IncomingMessage) => request.headers.host === "login.example";
const asked = () => rig.seen.filter(({ headers }) => headers["host"] === "login.example");
const forwarded = () => rig.seen.filter(({ headers }) => headers["host"] === GATEWAY);

function token(): string {
  const iat = Math.floor(Date.now() / 1_000);
  const claims = { iss: "https://login.example/", sub: "edge", aud: GATEWAY, iat, exp: iat + 300 };
  const parts = [JSON.stringify({ alg: "ES256" }), JSON.stringify(claims), "signature"];
  return parts.map((part) => Buffer.from(part).toString("base64url")).join(".");
}

test("clients of several connections share one fetch, and the first to go does not take it along", async () => {
  const given = token();
  issuing = (response) => {
    const answer = JSON.stringify({ access_token: given, token_type: "Bearer" });
    setTimeout(() => response.writeHead(200, { "content-type": "application/json" }).end(answer), 400);
  };
  const lines = ["GET /gone HTTP/1.1", "Host: api.example.com", "CF-Connecting-IP: 203.0.113.7", `X-Api-Key: ${KEY}`];
  const gone = connect(rig.port, "127.0.0.1", () => {
    gone.write([...lines, "", ""].join("\r\n"));
    setTimeout(() => gone.destroy(), 150);
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => rig.call(`/${n}`)));
  expect(answers).toEqual(Array(10).fill({ status: 200, body: "from the gateway" }));
  expect(asked().map(({ method, target, body }) => [method, target, body])).toEqual([
    ["POST", "/token", `grant_type=client_credentials&audience=${GATEWAY}`],
  ]);
  expect(asked()[0]?.headers["authorization"]).toBe(`Basic ${Buffer.from("edge:secret").toString("base64")}`);
  for (const { headers } of forwarded()) {
    expect([headers["edge-token"], headers["x-api-key"]]).toEqual([given, KEY]);
    expect(Object.keys(headers).filter((name) => /^(edge-|signature|content-digest)/.test(name))).toEqual([
      "edge-token",
    ]);
  }
});

test.each<[string, (response: ServerResponse) => void]>([
  ["never answers", () => {}],
  ["begins an answer and does not end it", (response) => response.writeHead(200).write('{"access_token":"')],
  ["has no end to its answer", (response) => flood(response)],
  ["sends elsewhere", (response) => response.writeHead(307, { location: "https://evil.example/token" }).end()],
  ["hangs up", (response) => response.destroy()],
])("an issuer that %s is waited for no longer than stated, and not asked again at once", async (_, answering) => {
  issuing = answering;
  const began = Date.now();
  for (let n = 0; n < 3; n++) {
    const { status, body } = await rig.call("/items");
    expect([status, JSON.parse(body).code]).toEqual([503, "edge_token_unavailable"]);
  }
  expect(Date.now() - began).toBeLessThan(10_000);
  expect([asked().length, forwarded().length]).toEqual([1, 0]);
  expect(rig.seen.length).toBe(1);
});

function flood(response: ServerResponse): void {
  const more = () => {
    while (!response.destroyed && response.write("x".repeat(65_536)));
    if (!response.destroyed) response.once("drain", more);
  };
  response.on("error", () => {});
  more();
}
