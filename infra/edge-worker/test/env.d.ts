declare namespace Cloudflare {
  interface Env {
    COUNTERSIGN: KVNamespace;
  }
  interface GlobalProps {
    mainModule: typeof import("../src/worker");
  }
}
