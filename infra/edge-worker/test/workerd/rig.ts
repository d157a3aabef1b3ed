/** workerd with the bundle in it, a store and a gateway beside it, each on a port of its own on this machine. */

import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import hmac from "../../../../tests/vectors/hmac-sha256.json";

export const KEY = "reader-key-0001-imported";
export const HASH = "bd41bf1943f7b544e84b4645dd16be9b0e5a8356a03f27d8735f970b662575e9";
export const RECORD = JSON.stringify({ version: 1, key_id: "kid_1", principal: "acme", status: "active", grants: [] });
export const ROUTES = JSON.stringify({ version: 1, routes: [] });
export const SECRET = hmac.keys[0]?.secret ?? "";

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

export interface Seen {
  readonly method: string;
  readonly target: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export class Rig {
  /** Names and values of the store. */
  readonly store = new Map<string, string>([
    [`key:${HASH}`, RECORD],
    ["routes", ROUTES],
  ]);
  /** Every read of the store, and every request that reached the gateway. */
  readonly reads: string[] = [];
  readonly seen: Seen[] = [];
  /** Instead of what the store has. */
  onRead: ((name: string, response: ServerResponse) => void) | undefined;
  onRequest: Handler = (_, response) => response.end("from the gateway");
  onUpgrade: ((request: IncomingMessage, socket: Duplex) => void) | undefined;
  port = 0;
  readonly #servers: Server[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), "edge-worker-"));
  #said = "";
  #workerd: ChildProcess | undefined;

  /**
   * @param bundle made by `wrangler deploy --dry-run`.
   * @param settings variables, instead of the usual ones or beside them.
   */
  static async start(bundle = "node_modules/.bundle/worker.js", settings: Record<string, string> = {}): Promise<Rig> {
    const rig = new Rig();
    const [store, gateway] = [await rig.#listen(rig.#read), await rig.#listen(rig.#receive)];
    rig.port = await freePort();
    // Beside the bundle: what is embedded is named from here.
    copyFileSync(bundle, join(rig.#directory, "worker.js"));
    writeFileSync(
      join(rig.#directory, "config.capnp"),
      config(rig.port, store, gateway, rig.#directory, hmacSecrets() + texts({ ...SETTINGS, ...settings })),
    );
    const child = spawn(workerd(), ["serve", join(rig.#directory, "config.capnp")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    child.stderr.on("data", (chunk) => {
      rig.#said += chunk;
    });
    rig.#workerd = child;
    await rig.#untilUp();
    return rig;
  }

  /** What reached the gateway on behalf of clients. */
  get forwarded(): readonly Seen[] {
    return this.seen.filter(({ target }) => !target.startsWith("/prod/.countersign/"));
  }

  /** Seconds of CPU that workerd has taken since it was started. */
  cpu(): number {
    const fields = readFileSync(`/proc/${this.#workerd?.pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  stop(): void {
    this.#workerd?.kill();
    for (const server of this.#servers) server.close().closeAllConnections();
    rmSync(this.#directory, { recursive: true });
  }

  /** Exactly these bytes of a request target, which no URL parser here has seen. */
  ask(
    target: string,
    headers: Record<string, string> = {},
    method = "GET",
    body = "",
  ): Promise<{ status: number; body: string }> {
    const all = { Host: "api.example.com", "CF-Connecting-IP": "203.0.113.7", "CF-Ray": "8f2c-LHR", ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    return new Promise((resolve, reject) => {
      let answer = "";
      const socket = connect(this.port, "127.0.0.1", () => {
        socket.write(Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n${body}`, "latin1"));
      });
      socket.on("error", reject);
      socket.on("data", (chunk) => {
        answer += chunk.toString("latin1");
        const whole = wholeAnswer(answer);
        if (whole !== undefined) {
          socket.destroy();
          resolve(whole);
        }
      });
      socket.on("close", () => reject(new Error(`closed after: ${answer}`)));
    });
  }

  call(
    target: string,
    headers: Record<string, string> = {},
    method = "GET",
    body = "",
  ): Promise<{ status: number; body: string }> {
    return this.ask(target, { "X-Api-Key": KEY, ...headers }, method, body);
  }

  #read: Handler = (request, response) => {
    const name = decodeURIComponent((request.url ?? "").slice(1).replace(/\?.*/, ""));
    this.reads.push(name);
    if (this.onRead !== undefined) return this.onRead(name, response);
    const value = this.store.get(name);
    response.writeHead(value === undefined ? 404 : 200).end(value);
  };

  #receive: Handler = (request, response, body) => {
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, `${value}`]));
    this.seen.push({ method: request.method ?? "", target: request.url ?? "", headers, body });
    this.onRequest(request, response, body);
  };

  #listen(handler: Handler): Promise<number> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => handler(request, response, Buffer.concat(chunks).toString()));
    });
    server.on("upgrade", (request, socket) => this.onUpgrade?.(request, socket));
    this.#servers.push(server);
    return new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
    });
  }

  /** Whether somebody listens; nothing is asked of him. */
  #accepts(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false)).on("connect", () => socket.destroy());
    });
  }

  async #untilUp(): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      if (this.#workerd?.exitCode !== null) break;
      if (await this.#accepts()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    this.stop();
    throw new Error(`workerd does not start: ${this.#said}`);
  }
}

/** An answer with a known length, once all of it is there. */
function wholeAnswer(text: string): { status: number; body: string } | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [head, body] = [text.slice(0, end), text.slice(end + 4)];
  const status = Number(head.slice(9, 12));
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  if (length !== undefined) return body.length >= Number(length) ? { status, body } : undefined;
  if (!/^transfer-encoding: chunked/im.test(head)) return { status, body };
  return body.endsWith("0\r\n\r\n")
    ? { status, body: body.replaceAll(/(^|\r\n)[0-9a-f]+\r\n/gi, "").trimEnd() }
    : undefined;
}

/** The bindings that key-sync would have pushed: the vectors' key in slot A, another in slot B. */
function hmacSecrets(): string {
  const names = {
    active: "a",
    a: { keyid: "test-shared-secret", alg: "hmac-sha256" },
    b: { keyid: "standby", alg: "hmac-sha256" },
  };
  const key = (base64url: string) => Buffer.from(base64url, "base64url").toString("base64");
  const binding = (name: string, secret: string) =>
    `(name = "${name}", cryptoKey = (base64 = "${secret}", algorithm = (json = ${JSON.stringify(HMAC)}), usages = [sign, verify])),`;
  return `${binding("EDGE_KEY_A", key(SECRET))} ${binding("EDGE_KEY_B", Buffer.alloc(32, 7).toString("base64"))}
    (name = "EDGE_KEYS", text = ${JSON.stringify(JSON.stringify(names))}),`;
}

const HMAC = JSON.stringify({ name: "HMAC", hash: "SHA-256" });

const SETTINGS = {
  HOSTS: "api.example.com",
  ORIGINS: JSON.stringify({
    api: { url: "https://abc.execute-api.eu-west-1.amazonaws.com/prod", kind: "gateway" },
  }),
  DEFAULT_ORIGIN: "api",
  DOORS: "on",
};

function texts(settings: Record<string, string>): string {
  const binding = ([name, text]: [string, string]) => `(name = "${name}", text = ${JSON.stringify(text)}),`;
  return Object.entries(settings).map(binding).join("\n    ");
}

function config(port: number, store: number, gateway: number, directory: string, bindings: string): string {
  const external = (name: string, to: number) =>
    `(name = "${name}", external = (address = "127.0.0.1:${to}", http = ()))`;
  const disk = `(name = "disk", disk = (path = "${directory}", writable = true))`;
  return `@0xc4a3b1d2e5f60718;
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .edge), ${external("store", store)}, ${external("gateway", gateway)}, ${disk}],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const edge :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-04-20",
  globalOutbound = "gateway",
  durableObjectNamespaces = [(className = "Counter", uniqueKey = "counter", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [
    ${bindings}
    (name = "COUNTERSIGN", kvNamespace = "store"),
    (name = "LIMITS", durableObjectNamespace = "Counter"),
  ],
);
`;
}

function workerd(): string {
  const require = createRequire(import.meta.url);
  return require("workerd").default;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
