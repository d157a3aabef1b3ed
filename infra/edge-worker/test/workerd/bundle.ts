import { execFileSync } from "node:child_process";

/** What `wrangler deploy` would upload. */
export default function bundle(): void {
  const args = ["wrangler", "deploy", "--dry-run", "--outdir", "dist", "--env", ""];
  execFileSync("npx", args, { stdio: "pipe", env: { ...process.env, WRANGLER_SEND_METRICS: "false" } });
}
