/** An edge whose proof is a token, its issuer, and a gateway that goes by what the authorizer expects of both. */

import { jwtVerify, SignJWT } from "jose";
import type { Env } from "../../src/config";
import { GATEWAY, NOW, type Sent, TestEdge, type TestWorld } from "../world/world";

export const TOKEN_URL = "https://login.example/token";
export const SECRET = "s3cret/of:the+edge~";
const KEY = new TextEncoder().encode("a key that only the issuer and the gateway have");

export const SETTINGS: Partial<Env> = {
  DOORS: "off",
  EDGE_PROOF: "token",
  EDGE_TOKEN_URL: TOKEN_URL,
  EDGE_TOKEN_CLIENT_ID: "edge worker",
  EDGE_TOKEN_CLIENT_SECRET: SECRET,
};

export interface Issuing {
  readonly edge: TestEdge;
  /** What was asked for, and what was forwarded. */
  asked(): Sent[];
  forwarded(): Sent[];
  /** Instead of a good answer. */
  answering: (() => Response | Promise<Response>) | undefined;
  /** Of the tokens that it gives: beside what a good one has. */
  claims: object;
}

export async function issuing(settings: Partial<Env> = {}): Promise<Issuing> {
  const edge = await TestEdge.start({ ...SETTINGS, ...settings });
  const { world } = edge;
  const issuer: Issuing = {
    edge,
    asked: () => world.sent.filter(({ url }) => url === TOKEN_URL),
    forwarded: () => world.sent.filter(({ url }) => url.includes("execute-api")),
    answering: undefined,
    claims: {},
  };
  world.checking = (request) => check(request, world);
  world.answering = async ({ url, body }) => {
    if (url !== TOKEN_URL) return undefined;
    if (issuer.answering !== undefined) return issuer.answering();
    return Response.json(await answer(new URLSearchParams(body).get("audience") ?? "", world, issuer.claims));
  };
  return issuer;
}

export async function answer(audience: string, world: TestWorld, claims: object = {}): Promise<object> {
  const iat = Math.floor(world.time / 1_000);
  const own = {
    iss: "https://login.example/",
    sub: "edge",
    aud: audience,
    iat,
    exp: iat + 300,
    jti: `${iat}`,
    ...claims,
  };
  const token = await new SignJWT(own).setProtectedHeader({ alg: "HS256", typ: "at+jwt" }).sign(KEY);
  return { access_token: token, token_type: "Bearer", expires_in: 300 };
}

/** tests/it/edge_token.rs: a token for this gateway alone, and nothing that only a signature could prove. */
async function check({ headers }: Request, world: TestWorld): Promise<void> {
  const { payload } = await jwtVerify(headers.get("edge-token") ?? "", KEY, {
    audience: GATEWAY,
    currentDate: new Date(world.time),
    maxTokenAge: 300,
    requiredClaims: ["sub", "iat", "exp"],
  });
  if (payload.aud !== GATEWAY) throw new Error("a token for others, too");
  const stray = [...headers.keys()].filter((name) => /^(edge-(?!token$)|signature|content-digest)/.test(name));
  if (stray.length > 0) throw new Error(`unsigned: ${stray.join()}`);
}

export { NOW };
