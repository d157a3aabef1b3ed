import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HASH, KEY, RECORD, Rig } from "./rig";

let rig: Rig;
beforeEach(async () => {
  const TIERS = JSON.stringify({ exact: { object: "LIMITS", limit: 100, period: 3_600 } });
  rig = await Rig.start(undefined, { TIERS, DOORS: "off" });
  rig.store.set(`key:${HASH}`, JSON.stringify({ ...JSON.parse(RECORD), rate_limit: "exact" }));
});
afterEach(() => rig.stop());

test("of clients on many connections exactly as many pass as may, those who go at once included", async () => {
  const lines = ["GET /gone HTTP/1.1", "Host: api.example.com", "CF-Connecting-IP: 203.0.113.7", `X-Api-Key: ${KEY}`];
  for (let n = 0; n < 20; n++) {
    const gone = connect(rig.port, "127.0.0.1", () => gone.end([...lines, "", ""].join("\r\n"), () => gone.destroy()));
  }
  const answers = await Promise.all(Array.from({ length: 300 }, (_, n) => rig.call(`/${n}`)));
  const passed = answers.filter(({ status }) => status === 200).length;
  expect(answers.filter(({ status }) => status === 429).length).toBe(300 - passed);
  expect(passed).toBeLessThanOrEqual(100);
  expect(passed).toBeGreaterThanOrEqual(80);
  expect((await rig.call("/after")).status).toBe(429);
  expect(rig.forwarded.length).toBeLessThanOrEqual(100);
});
