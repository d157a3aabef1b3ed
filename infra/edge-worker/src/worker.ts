/** The edge Worker: a request and its isolate in, a reply and its line out. What it decides is in `serve`. */

import { clientOf } from "./arrival";
import { hex } from "./bytes";
import { type Config, type Configured, configOf, type Env as Settings } from "./config";
import * as cors from "./cors";
import { sendLogs } from "./inside";
import { Journal, type Line, written } from "./journal";
import { LOGS_LINGER } from "./lifetimes";
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
    const id = hex(crypto.getRandomValues(new Uint8Array(16)));
    try {
      return await answer(request, isolateOf(env, world), world, id);
    } catch (error) {
      const told = { edge: "worker", outcome: "fault", code: "defect", request_id: id, ray: clientOf(request)?.ray };
      world.tell(JSON.stringify({ ...told, cause: causeOf(error) }));
      return reply({ reason: "defect" }, PLAIN, { ...NOBODY, requestId: id });
    }
  },
} satisfies ExportedHandler<Env>;

const PLAIN = { replies: "plain", realm: undefined } as const;
const NOBODY = { accept: null, client: "", realm: undefined, latency: 0 };

/** @param id names the request to the client and in the log, where nobody behind us gives it a name. */
export async function answer(request: Request, isolate: Isolate, world: World, id: string): Promise<Response> {
  const { configured, keys, signing, sources, strangers } = isolate;
  if (!configured.ok) return reply({ reason: "configuration_invalid" }, PLAIN, { ...NOBODY, requestId: id });
  const { config } = configured;
  const began = world.now();
  if (isProbe(request, config.hosts)) {
    const proof = await prove(request, keys, config, world);
    if (config.logs !== "off") note(probed(request, proof, id, world.now() - began), config, isolate, world);
    return proof;
  }
  const served = await serve(request, { config, sources, signing, strangers }, world);
  const latency = world.now() - began;
  const response = responseOf(served, request, config, id, latency);
  const line = lineOf(served, request, response, signing, id, latency);
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
  const due = journal.add(written(line), world.now());
  const flush = () => journal.flush(world.now(), (lines) => sendLogs(world, gateway, signing, lines));
  if (due === "now") world.keep(flush());
  if (due === "later") world.keep(world.rest(LOGS_LINGER).then(flush));
}

function responseOf(
  { answer, arrival, route }: Served,
  request: Request,
  config: Config,
  requestId: string,
  latency: number,
): Response {
  // A connection that changes its protocol is passed on as it is.
  if (answer.kind === "answered" && answer.response.status === 101) return answer.response;
  const accept = request.headers.get("accept");
  const asked = { accept, client: arrival?.client.ip ?? "", realm: config.realm, latency, requestId };
  const response =
    answer.kind === "answered" ? new Response(answer.response.body, answer.response) : reply(answer, config, asked);
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
  id: string,
  duration: number,
): Line {
  const { answer, arrival, caller, route } = served;
  const isSent = answer.kind === "answered" && answer.from === "origin";
  const code = answer.kind === "refused" ? answer.reason : "allow";
  const theirs = response.headers.get("apigw-requestid") ?? response.headers.get("x-amzn-requestid");
  return {
    ...about(request, response, duration, arrival?.client),
    outcome: answer.kind === "refused" ? outcomeOf(answer.reason) : "allow",
    code,
    shadow: served.shadow,
    request_id: theirs ?? (answer.kind === "refused" ? id : undefined),
    table_route: route?.id,
    principal: caller.key?.principal ?? caller.token?.subject,
    key_id: caller.key?.keyId,
    issuer: caller.token?.issuer,
    edge_keyid: isSent ? signing?.keyid : undefined,
    cache: answer.kind === "answered" && answer.from === "cache" ? "hit" : undefined,
    body: served.streamed ? "streamed" : undefined,
    kept: served.kept || undefined,
    uncounted: served.uncounted || undefined,
  };
}

/** A probe: whoever asked was told why by its status alone. */
function probed(request: Request, response: Response, id: string, duration: number): Line {
  const outcome = response.ok ? "allow" : "refuse";
  return { ...about(request, response, duration), outcome, code: "probe", request_id: id };
}

function about(request: Request, { status }: Response, duration: number, client = clientOf(request)) {
  const { ip: client_ip, ray, country } = client ?? {};
  return { status, ray, method: request.method, client_ip, country, duration };
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
