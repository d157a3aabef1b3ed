declare namespace Cloudflare {
  interface Env {
    COUNTERSIGN: KVNamespace;
    LIMITS: DurableObjectNamespace<import("../src/counting/counter").Counter>;
  }
  interface GlobalProps {
    mainModule: typeof import("../src/worker");
  }
}
