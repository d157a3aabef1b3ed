import { createHash, createHmac } from "node:crypto";
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HASH, KEY, RECORD, Rig, ROUTES, SECRET } from "./rig";

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.stop());

const later = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test("nothing is read or asked before the first request, and for that what it needs", async () => {
  await later(300);
  expect([rig.reads, rig.seen]).toEqual([[], []]);
  expect((await rig.call("/items")).status).toBe(200);
  expect(rig.reads).toEqual(["routes", `key:${HASH}`]);
  expect(rig.seen.length).toBe(1);
});

test("requests of several clients share one slow read, and the first to go does not take it along", async () => {
  rig.onRead = (name, response) => {
    setTimeout(() => response.end(name === "routes" ? ROUTES : RECORD), 400);
  };
  const gone = connect(rig.port, "127.0.0.1", () => {
    gone.write(
      "GET /gone HTTP/1.1\r\nHost: api.example.com\r\nCF-Connecting-IP: 203.0.113.7\r\nX-Api-Key: reader-key-0001-imported\r\n\r\n",
    );
    setTimeout(() => gone.destroy(), 150);
  });
  await later(50);
  const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => rig.call(`/${n}`)));
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
  expect(rig.reads.filter((name) => name === `key:${HASH}`).length).toBe(1);
});

test("a store that hangs is not waited for longer than stated, and then the gateway is asked", async () => {
  await rig.call("/warm");
  rig.onRead = () => {};
  rig.onRequest = (request, response) => {
    const isDoor = request.url?.includes("/.countersign/keys/") === true;
    response.end(isDoor ? RECORD : "from the gateway");
  };
  const began = Date.now();
  const answer = await rig.ask("/items", { "X-Api-Key": "another-key-0002-known" });
  expect(answer.status).toBe(200);
  expect(Date.now() - began).toBeLessThan(6_000);
});

test("a store that fails from the start leaves no verdict", async () => {
  rig.onRead = (_, response) => response.writeHead(500).end();
  rig.onRequest = (_, response) => response.writeHead(500).end();
  const { status, body } = await rig.call("/items");
  expect([status, JSON.parse(body).code]).toEqual([503, "routes_unavailable"]);
  expect(rig.forwarded).toEqual([]);
});

test("a document that never ends is given up, and holds up nobody after that", async () => {
  rig.onRequest = (request, response) => {
    if (request.url?.includes("/.countersign/keys/") !== true) return response.end("from the gateway");
    response.writeHead(200).write('{"version":');
    return undefined;
  };
  const asked = () => rig.ask("/items", { "X-Api-Key": "another-key-0002-known" });
  const began = Date.now();
  const answers = await Promise.all([asked(), asked()]);
  expect(answers.map(({ body }) => JSON.parse(body).code)).toEqual(Array(2).fill("keys_unavailable"));
  expect(Date.now() - began).toBeLessThan(10_000);
  await later(1_100);
  rig.onRequest = (_, response) => response.end(RECORD);
  expect((await asked()).status).toBe(200);
});

test("a body where none belongs is refused, and an empty one is none", async () => {
  expect((await rig.call("/items", { "Content-Length": "0" })).status).toBe(200);
  expect(rig.forwarded.at(-1)?.headers["content-length"] ?? "0").toBe("0");
  const { status, body } = await rig.call("/items", { "Content-Length": "2" }, "GET", "{}");
  expect([status, JSON.parse(body).code]).toEqual([400, "body_unexpected"]);
  expect((await rig.call("/items", { "Content-Length": "2" }, "POST", "{}")).status).toBe(200);
});

test("an origin that drops the connection is a fault of ours, told as such", async () => {
  rig.onRequest = (request) => request.socket.destroy();
  const { status, body } = await rig.call("/items");
  expect([status, JSON.parse(body).code]).toEqual([502, "origin_unreachable"]);
});

test("a connection that becomes a WebSocket is signed like any request, and left alone from then on", async () => {
  const frame = Buffer.from([0x81, 2, 0x68, 0x69]);
  rig.onUpgrade = (request, socket) => {
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    const isSigned = request.headers["signature-input"]?.includes('tag="countersign"') === true;
    const head = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
    socket.write(isSigned ? `HTTP/1.1 101 Switching Protocols\r\n${head}` : "HTTP/1.1 403 Forbidden\r\n\r\n");
    socket.write(frame);
  };
  const lines = ["GET /chat HTTP/1.1", "Host: api.example.com", "CF-Connecting-IP: 203.0.113.7", `X-Api-Key: ${KEY}`];
  const upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"];
  const said = await new Promise<Buffer>((resolve, reject) => {
    let all = Buffer.alloc(0);
    const socket = connect(rig.port, "127.0.0.1", () => {
      socket.write([...lines, ...upgrade, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "\r\n"].join("\r\n"));
    });
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      all = Buffer.concat([all, chunk]);
      if (all.includes(frame) || !all.toString().startsWith("HTTP/1.1 101")) {
        socket.destroy();
        resolve(all);
      }
    });
  });
  expect(said.toString("latin1")).toMatch(/^HTTP\/1.1 101/);
  expect(said.includes(frame)).toBe(true);
});

/** Asks as key-sync does. */
function probe(slot: string, secret: Buffer, keyid: string): Promise<{ status: number; body: string }> {
  const now = Math.floor(Date.now() / 1_000);
  const covered = '("@method" "@authority" "@path" "edge-probe")';
  const times = `created=${now};expires=${now + 30}`;
  const params = `${covered};${times};keyid="${keyid}";alg="hmac-sha256";nonce="0123456789abcdef";tag="countersign-probe"`;
  const asked = `slot="${slot}"`;
  const lines = `"@method": POST\n"@authority": api.example.com\n"@path": /.countersign/probe\n"edge-probe": ${asked}\n`;
  const signature = createHmac("sha256", secret).update(`${lines}"@signature-params": ${params}`).digest("base64");
  const headers = { "Edge-Probe": asked, "Signature-Input": `probe=${params}`, Signature: `probe=:${signature}:` };
  return rig.ask("/.countersign/probe", { ...headers, "Content-Length": "0" }, "POST");
}

test("the probe proves the key of a slot, and says how the gateway liked it", async () => {
  const [active, standby] = [Buffer.from(SECRET, "base64url"), Buffer.alloc(32, 7)];
  rig.onRequest = (_, response) => response.writeHead(204).end();
  for (const [slot, keyid, secret] of [
    ["active", "test-shared-secret", active],
    ["standby", "standby", standby],
  ] as const) {
    const { status, body } = await probe(slot, active, "test-shared-secret");
    expect(status).toBe(200);
    const said = JSON.parse(body);
    const signature = createHmac("sha256", secret)
      .update(`countersign-pop\n${keyid}\n0123456789abcdef`)
      .digest("base64url");
    expect(said).toEqual({ slot, keyid, alg: "hmac-sha256", signature, gateway_status: 204 });
    const seen = rig.seen.at(-1);
    expect(seen?.target).toBe("/prod/.countersign/probe");
    expect(seen?.headers["signature-input"]).toContain(`keyid="${keyid}";alg="hmac-sha256";tag="countersign-inside"`);
  }
  expect((await probe("active", standby, "standby")).status).toBe(200);
  const asked = rig.seen.length;
  expect((await probe("active", Buffer.alloc(32), "test-shared-secret")).status).toBe(401);
  expect((await probe("active", active, "nobody")).status).toBe(401);
  expect(rig.seen.length).toBe(asked);
});
