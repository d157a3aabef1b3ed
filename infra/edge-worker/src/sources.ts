/**
 * Where an isolate has its records from, and what it remembers of them: keys, issuers, their key sets, routes.
 *
 * A key is looked for in memory, then in the store, and one that the store does not have is asked for once at the
 * gateway: so a key works the moment it is made. The store says nothing final, except that an issuer is unknown.
 */

import type { Config } from "./config";
import type { TokenIssuer } from "./edge-token/issuer";
import { EdgeTokens } from "./edge-token/tokens";
import { askForKey } from "./inside";
import * as lifetimes from "./lifetimes";
import * as limits from "./limits";
import { type Found, type Holding, Lookup, type Read } from "./lookup";
import { Budget } from "./memory";
import type { Result } from "./reasons";
import { type IssuerRecord, issuerRecord } from "./records/issuer";
import { type KeyRecord, keyRecord } from "./records/key";
import { type Routes, routes } from "./records/routes";
import type { SigningKey } from "./signature/key";
import { type KeySet, KeySets } from "./token/key-sets";
import type { World } from "./world";

const SPANS = {
  fresh: lifetimes.RECORD_FRESH,
  kept: lifetimes.RECORD_KEPT,
  lag: lifetimes.RECORD_LAG,
  unknown: lifetimes.RECORD_UNKNOWN,
  rest: lifetimes.RECORD_REST,
  cooling: lifetimes.RECORD_COOLING,
};

export class Sources {
  readonly #keys = new Lookup<KeyRecord>(SPANS, limits.REMEMBERED);
  readonly #issuers = new Lookup<IssuerRecord>(SPANS, limits.REMEMBERED_ISSUERS);
  readonly #routes = new Lookup<Routes>({ ...SPANS, fresh: lifetimes.ROUTES_FRESH }, 1);
  readonly #keySets = new KeySets();
  readonly #edgeTokens = new EdgeTokens();
  readonly #budget = new Budget(limits.UNKNOWN_LOOKUPS_PER_SECOND);

  /** Names remembered of keys, for tests of how much strangers can fill. */
  get remembered(): number {
    return this.#keys.remembered;
  }

  key(hash: string, world: World, config: Config, signing: SigningKey | undefined): Promise<Found<KeyRecord>> {
    const read = async (): Promise<Read<KeyRecord>> => {
      const stored = await fromStore(world, `key:${hash}`, limits.RECORD, keyRecord);
      if (stored.kind === "record" || !config.doors || config.gateway === undefined) return stored;
      if (signing === undefined) return { kind: "failed" };
      if (!this.#budget.spend(world.now())) return { kind: "exhausted" };
      return askForKey(world, config.gateway, signing, hash);
    };
    return this.#keys.find(hash, world.now(), { read, ...holding(world) });
  }

  /** Whether a key is known without asking anybody. */
  knows(hash: string, world: World): boolean {
    return this.#keys.knows(hash, world.now());
  }

  issuer(iss: string, world: World): Promise<Found<IssuerRecord>> {
    const read = () => fromStore(world, `issuer:${iss}`, limits.RECORD, issuerRecord);
    return this.#issuers.find(iss, world.now(), { read, ...holding(world) });
  }

  /** Never `none`: key-sync publishes a document even of no routes, and without one nobody knows the rules. */
  routes(world: World): Promise<Found<Routes>> {
    const read = async (): Promise<Read<Routes>> => {
      const stored = await fromStore(world, "routes", limits.ROUTES_DOCUMENT, routes);
      return stored.kind === "none" ? { kind: "failed" } : stored;
    };
    return this.#routes.find("routes", world.now(), { read, ...holding(world) });
  }

  /** The edge's own, for a gateway of this authority. */
  edgeToken(authority: string, issuer: TokenIssuer, world: World): Promise<Result<string>> {
    return this.#edgeTokens.find(authority, issuer, world);
  }

  keySet(iss: string, record: IssuerRecord, kid: string | undefined, world: World): Promise<Found<KeySet>> {
    const fetch = (address: string, most: number) => document(world, address, most);
    return this.#keySets.find(iss, record, kid, world.now(), { fetch, ...holding(world) });
  }
}

function holding(world: World): Holding {
  return {
    keep: (work) => world.keep(work),
    wait: (shared) => world.within(lifetimes.SHARED_PATIENCE, shared),
  };
}

/** What cannot be read, or is not what it should be, is no answer. */
async function fromStore<T>(
  world: World,
  name: string,
  most: number,
  parse: (json: string) => T | undefined,
): Promise<Read<T>> {
  try {
    const value = await world.stored(name, most);
    if (value === undefined) return { kind: "none" };
    const record = parse(value);
    return record === undefined ? { kind: "failed" } : { kind: "record", record };
  } catch {
    return { kind: "failed" };
  }
}

async function document(world: World, address: string, most: number): Promise<string | undefined> {
  try {
    const request = new Request(address, { headers: { accept: "application/json" } });
    const { status, body } = await world.ask(request, lifetimes.ISSUER_PATIENCE, most);
    return status === 200 ? body : undefined;
  } catch {
    return undefined;
  }
}
