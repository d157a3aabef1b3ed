import { defineConfig } from "vitest/config";

/** What a request costs, beside Workers that do less. */
export default defineConfig({
  test: { include: ["bench/*.bench.ts"], globalSetup: "test/workerd/bundle.ts", testTimeout: 900_000 },
});
