import { execFileSync } from "node:child_process";

/** What `wrangler deploy` would upload, where no tool looks for sources. */
export default function bundle(): void {
  const args = ["wrangler", "deploy", "--dry-run", "--outdir", "node_modules/.bundle", "--env", ""];
  execFileSync("npx", args, { stdio: "pipe", env: { ...process.env, WRANGLER_SEND_METRICS: "false" } });
}
