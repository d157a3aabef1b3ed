import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

/** Every test runs inside workerd, with the bindings that wrangler.jsonc names. */
export default defineConfig({
  plugins: [cloudflareTest({ wrangler: { configPath: "./wrangler.jsonc" } })],
  // A million turns of a loop take their time on a busy machine.
  test: { include: ["test/**/*.test.ts"], exclude: ["test/workerd/**"], testTimeout: 60_000 },
});
