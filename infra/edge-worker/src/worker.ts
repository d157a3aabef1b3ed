/** The edge Worker: a request and its isolate in, a reply and its line out. What it decides is in `serve`. */

import { clientOf } from "./arrival";
import { hex } from "./bytes";
import { type Config, type Configured, configOf, type Env as Settings } from "./config";
import * as cors from "./cors";
import { sendLogs } from "./inside";
import { Journal, LINGER, type Line, written } from "./journal";
import { type Bindings, outside } from "./outside";
import { isProbe, prove } from "./probe";
import { outcomeOf } from "./reasons";
import { reply } from "./replies/reply";
import { type Served, serve } from "./serve";
import { type SigningKey, type SigningKeys, signingKeys } from "./signature/key";
import { Sources } from "./sources";
import { Strangers } from "./strangers";
import type { World } from "./world";

export { Counter } from "./counting/counter";

export type Env = Settings & Bindings;

/** What an isolate makes of its bindings, once. */
interface Isolate {
  readonly configured: Configured;
  readonly keys: SigningKeys;
  readonly signing: SigningKey | undefined;
  readonly sources: Sources;
  readonly strangers: Strangers;
  readonly journal: Journal;
}

const isolates = new WeakMap<object, Isolate>();

export default {
  async fetch(request, env, context): Promise<Response> {
    const world = outside(env, context);
    try {
      return await answer(request, isolateOf(env, world), world);
    } catch (error) {
      world.tell(JSON.stringify({ edge: "worker", outcome: "fault", code: "defect", cause: causeOf(error) }));
      return reply({ reason: "defect" }, { replies: "plain", realm: undefined }, { ...NOBODY, requestId: requestId() });
    }
  },
} satisfies ExportedHandler<Env>;

const NOBODY = { accept: null, client: "", realm: undefined, latency: 0 };

export async function answer(request: Request, isolate: Isolate, world: World): Promise<Response> {
  const { configured, keys, signing, sources, strangers } = isolate;
  if (!configured.ok) {
    return reply(
      { reason: "configuration_invalid" },
      { replies: "plain", realm: undefined },
      { ...NOBODY, requestId: requestId() },
    );
  }
  const { config } = configured;
  if (isProbe(request, config.hosts)) return prove(request, keys, config, world);
  const began = world.now();
  const served = await serve(request, { config, sources, signing, strangers }, world);
  const latency = world.now() - began;
  const response = responseOf(served, request, isolate, latency);
  const line = lineOf(served, request, response, signing, latency);
  const isTold = config.logs === "all" || (config.logs === "refusals" && line.outcome !== "allow");
  if (isTold) note(line, config, isolate, world);
  return response;
}

/** Where there is nobody to send lines to, the Worker's own log takes them. */
function note(line: Line, { doors, gateway }: Config, { journal, signing }: Isolate, world: World): void {
  if (!doors || gateway === undefined || signing === undefined) {
    world.tell(written(line) ?? "");
    return;
  }
  const due = journal.add(written(line));
  const flush = () => journal.flush((lines) => sendLogs(world, gateway, signing, lines));
  if (due === "now") world.keep(flush());
  if (due === "later") world.keep(world.rest(LINGER).then(flush));
}

function responseOf({ answer, arrival, route }: Served, request: Request, isolate: Isolate, latency: number): Response {
  const { configured } = isolate;
  const config = configured.ok ? configured.config : { replies: "plain" as const, realm: undefined };
  const asked = {
    accept: request.headers.get("accept"),
    client: arrival?.client.ip ?? "",
    realm: config.realm,
    latency,
  };
  // A connection that changes its protocol is passed on as it is.
  if (answer.kind === "answered" && answer.response.status === 101) return answer.response;
  const response =
    answer.kind === "answered"
      ? new Response(answer.response.body, answer.response)
      : reply(answer, config, { ...asked, requestId: requestId() });
  if (route?.cors !== undefined && !(answer.kind === "answered" && answer.from === "edge")) {
    cors.tell(route.cors, request.headers.get("origin"), response.headers);
  }
  return response;
}

function lineOf(
  served: Served,
  request: Request,
  response: Response,
  signing: SigningKey | undefined,
  duration: number,
): Line {
  const { answer, arrival, caller, route } = served;
  const client = arrival?.client ?? clientOf(request);
  const code = answer.kind === "refused" ? answer.reason : "allow";
  return {
    outcome: answer.kind === "refused" ? outcomeOf(answer.reason) : "allow",
    code,
    shadow: served.shadow,
    status: response.status,
    ray: client?.ray,
    request_id: response.headers.get("apigw-requestid") ?? response.headers.get("x-amzn-requestid") ?? undefined,
    method: request.method,
    table_route: route?.id,
    principal: caller.key?.principal ?? caller.token?.subject,
    key_id: caller.key?.keyId,
    issuer: caller.token?.issuer,
    edge_keyid: answer.kind === "answered" && answer.from === "origin" ? signing?.keyid : undefined,
    client_ip: client?.ip,
    country: client?.country,
    cache: answer.kind === "answered" && answer.from === "cache" ? "hit" : undefined,
    body: served.streamed ? "streamed" : undefined,
    kept: served.kept || undefined,
    uncounted: served.uncounted || undefined,
    duration,
  };
}

function isolateOf(env: Env, world: World): Isolate {
  const known = isolates.get(env);
  if (known !== undefined) return known;
  const configured = configOf(env);
  if (!configured.ok)
    world.tell(JSON.stringify({ edge: "worker", code: "configuration_invalid", problems: configured.problems }));
  const isSigning = env.EDGE_PROOF !== "token";
  const keys = signingKeys(isSigning ? env : {});
  const slots = [keys.active, keys.standby].flatMap((slot) => (slot.kind === "unusable" ? [slot.why] : []));
  if (isSigning && slots.length > 0)
    world.tell(JSON.stringify({ edge: "worker", code: "signing_key_missing", problems: slots }));
  const signing = keys.active.kind === "key" ? keys.active.key : undefined;
  const remembered = { sources: new Sources(), strangers: new Strangers(), journal: new Journal() };
  const isolate = { configured, keys, signing, ...remembered };
  isolates.set(env, isolate);
  return isolate;
}

/** Where something went wrong, without the message: it may quote a request. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return "not an error";
  return [error.name, ...(error.stack ?? "").split("\n").slice(1, 4)].join(" ");
}

function requestId(): string {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}
