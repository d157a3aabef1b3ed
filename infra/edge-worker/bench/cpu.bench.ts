import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { Rig } from "../test/workerd/rig";

const WARM = 500;
const ROUND = 1_000;
const ROUNDS = 7;

const rigs: Rig[] = [];
afterAll(() => {
  for (const rig of rigs) rig.stop();
});

async function start(name: string): Promise<Rig> {
  const out = ["--dry-run", "--outdir", `node_modules/.bundle/bench-${name}`, "--config", "bench/wrangler.jsonc"];
  execFileSync("npx", ["wrangler", "deploy", `bench/${name}.ts`, ...out], { stdio: "pipe" });
  return begin(`node_modules/.bundle/bench-${name}/${name}.js`);
}

async function begin(bundle: string): Promise<Rig> {
  const rig = await Rig.start(bundle);
  rigs.push(rig);
  await ask(rig, WARM);
  return rig;
}

async function ask(rig: Rig, times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    const { status } = await rig.call(`/items/${n}?page=${n % 7}`, { Accept: "application/json" });
    expect(status).toBe(200);
  }
}

/** Microseconds of CPU for one request: the least of several rounds, since nothing makes a round cheaper. */
async function cost(rig: Rig): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = rig.cpu();
    await ask(rig, ROUND);
    rounds.push(((rig.cpu() - before) / ROUND) * 1e6);
  }
  return Math.min(...rounds);
}

test("CPU of a request, and the size of the bundle", async () => {
  const [proxy, pack, edge] = [
    await start("proxy"),
    await start("package"),
    await begin("node_modules/.bundle/worker.js"),
  ];
  const [proxying, packed, whole] = [await cost(proxy), await cost(pack), await cost(edge)];
  const of = (own: number) => `${own.toFixed(0)} µs, ${(own / proxying).toFixed(2)} × proxy`;
  const bundle = readFileSync("node_modules/.bundle/worker.js");
  const lines = [
    `only proxies:          ${of(proxying)}`,
    `signs by npm package:  ${of(packed)}`,
    `the edge Worker:       ${of(whole)}`,
    `bundle: ${(bundle.length / 1024).toFixed(0)} KiB, ${(gzipSync(bundle).length / 1024).toFixed(0)} KiB gzipped`,
  ];
  process.stdout.write(`\n${lines.join("\n")}\n`);
});
