import { defineConfig } from "vitest/config";

/** The bundle in a workerd of its own, spoken to over sockets: what no fetch inside of it can show. */
export default defineConfig({
  test: {
    include: ["test/workerd/**/*.test.ts"],
    globalSetup: "test/workerd/bundle.ts",
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
