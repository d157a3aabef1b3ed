import { expect, test } from "vitest";
import { ALL_REASONS, outcomeOf, statusOf } from "../src/reasons";
import { reply } from "../src/replies/reply";

const ASKED = { accept: null, client: "203.0.113.7", realm: undefined, requestId: "id", latency: 0 };
const PLAIN = { replies: "plain", realm: undefined } as const;

test.each(ALL_REASONS)("%s has a reply, which nobody keeps", async (reason) => {
  const answer = reply({ reason }, PLAIN, ASKED);
  expect(answer.status).toBe(statusOf(reason));
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.has("www-authenticate")).toBe(answer.status === 401);
  const body = await answer.json<{ message: string; code: string; request_id: string }>();
  const hidden: Record<number, string> = { 401: "unauthorized", 403: "forbidden" };
  expect(body).toMatchObject({ code: hidden[answer.status] ?? reason, request_id: "id" });
  expect(body.message).not.toBe("Error");
  expect(outcomeOf(reason)).toBe(answer.status >= 500 ? "fault" : "refuse");
});

test("what Kong has no word for is told plainly under every profile", async () => {
  const answer = reply({ reason: "signing_key_missing" }, { replies: "kong-3.7", realm: undefined }, ASKED);
  expect([answer.status, await answer.json()]).toMatchObject([503, { code: "signing_key_missing" }]);
});
