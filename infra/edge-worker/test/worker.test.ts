import { exports } from "cloudflare:workers";
import { expect, test } from "vitest";

test("runs", async () => {
  const answer = await exports.default.fetch("https://api.example.com/");
  expect(answer.status).toBe(503);
});
