import { expect, test } from "vitest";
import { arrival, hostOf, untakable } from "../src/arrival";
import { fromClient, isRemoved, size } from "../src/headers";

const HOSTS = new Set(["api.example.com"]);
const CLIENT = { "cf-connecting-ip": "203.0.113.7", "cf-ray": "8f2c-LHR", "cf-ipcountry": "GB" };

function arrived(url: string, init: RequestInit & { headers?: Record<string, string> } = {}) {
  return arrival(new Request(url, { ...init, headers: { ...CLIENT, ...init.headers } }), HOSTS);
}

test("what arrives is told once", () => {
  const here = arrived("https://API.example.com:8443/a%20b?c", { method: "DELETE" });
  expect(here).toMatchObject({
    ok: true,
    value: {
      method: "DELETE",
      host: "api.example.com",
      path: "/a b",
      target: "/a%20b?c",
      client: { ip: "203.0.113.7", ray: "8f2c-LHR", country: "GB", host: "api.example.com" },
    },
  });
});

test.each([
  ["https://other.example.com/", {}, "host_unknown"],
  ["https://api.example.com.evil.example/", {}, "host_unknown"],
  ["https://xapi.example.com/", {}, "host_unknown"],
  ["https://api.example.com/%2ecountersign/keys", {}, "inside_path"],
  ["https://api.example.com/", { headers: { "cf-connecting-ip": "" } }, "client_unknown"],
])("is refused at once: %s %o", (url, init, reason) => {
  expect(arrived(url, init as RequestInit & { headers?: Record<string, string> })).toEqual({ ok: false, reason });
});

test.each([
  ["api.example.com:8443", "api.example.com"],
  ["api.example.com:", "api.example.com:"],
  [`api.example.com:${"0".repeat(100)}80`, `api.example.com:${"0".repeat(100)}80`],
  ["[2001:db8::1]:443", "[2001:db8::1]"],
])("the host of %s is %s", (authority, host) => expect(hostOf({ authority })).toBe(host));

test.each([
  ["https://api.example.com/", { method: "PROPFIND" }, "method_unknown"],
  ["https://api.example.com/$metadata", {}, "path_hostile"],
  [`https://api.example.com/${"a".repeat(1024)}`, {}, "url_too_long"],
  [`https://api.example.com/${"é".repeat(400)}`, {}, "url_too_long"],
  [`https://api.example.com/?${"a&".repeat(256)}`, {}, "target_malformed"],
  ["https://api.example.com/", { method: "POST", headers: { "content-length": "10485761" } }, "body_too_large"],
  ["https://api.example.com/a%2A?a*b", { method: "POST", headers: { "content-length": "10485760" } }, undefined],
])("a gateway would not take %s %o", (url, init, reason) => {
  const here = arrived(url, init as RequestInit & { headers?: Record<string, string> });
  expect(here.ok && untakable(here.value)).toBe(reason);
});

test.each([
  "Edge-Key",
  "edge-anything",
  "EDGE_TARGET",
  "Edge-Token",
  "Signature",
  "SIGNATURE-INPUT",
  "signature_input",
  "X-Consumer-ID",
  "x-consumer-username",
  "X_Consumer_Groups",
  "x-amzn-trace-id",
  "X-HTTP-Method-Override",
  "x_http_method_override",
  "X-Method-Override",
  "Content-Digest",
  "content_digest",
  "X-Anonymous-Consumer",
  "X-Original-URL",
  "x_rewrite_url",
  "X-Forwarded-Host",
  "Forwarded",
  "True-Client-IP",
  "Content_Length",
  "CF_Connecting_IP",
])("clients may not send %s", (name) => {
  expect(isRemoved(name)).toBe(true);
  expect(fromClient(new Headers([[name, "x"]])).has(name)).toBe(false);
});

test.each([
  "Authorization",
  "X-Api-Key",
  "Accept",
  "Content-Type",
  "X-Consumer",
  "Edge",
  "X-Edge-Key",
  "Edges-Key",
  "Signatures",
  "Cookie",
  "X_Custom",
  "Cf-Ray",
])("clients may send %s", (name) => {
  expect(fromClient(new Headers([[name, "x"]])).get(name)).toBe("x");
});

test("what the gateway would not take is told apart by what is too long", () => {
  const headers = (bytes: number) => new Headers({ a: "x".repeat(bytes), "edge-target": "/" });
  expect(size("GET", "/", headers(10))).toBe("fits");
  expect(size("GET", "/", headers(9_600))).toBe("headers_too_large");
  expect(size("GET", `/${"q".repeat(5_000)}`, headers(10))).toBe("url_too_long");
  expect(size("GET", `/${"q".repeat(4_000)}`, headers(10))).toBe("fits");
});
