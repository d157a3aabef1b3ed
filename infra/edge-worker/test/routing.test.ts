import { expect, test } from "vitest";
import vectors from "../../../tests/vectors/routing.json";
import { address } from "../src/address";
import { routes } from "../src/records/routes";
import { admits, choose } from "../src/routing";

test.each(vectors.cases)("$name", ({ document, requests }) => {
  const read = routes(JSON.stringify(document));
  expect(read).toBeDefined();
  for (const request of requests) {
    const client = request.client === null ? undefined : address(request.client);
    const facts = { method: request.method, host: request.host ?? undefined, path: request.path, client };
    const found = choose(read?.routes ?? [], { ...facts, country: request.country ?? undefined }, request.now * 1_000);
    expect(found?.id ?? null, JSON.stringify(request)).toBe(request.route);
    if (found !== undefined && "admitted" in request)
      expect(admits(found, client), JSON.stringify(request)).toBe(request.admitted);
    const backwards = choose(
      [...(read?.routes ?? [])].reverse(),
      { ...facts, country: request.country ?? undefined },
      request.now * 1_000,
    );
    expect(backwards?.id).toBe(found?.id);
  }
});
