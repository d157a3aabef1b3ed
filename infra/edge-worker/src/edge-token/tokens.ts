/**
 * The edge's own tokens, one for each gateway. One request fetches for all; who has a token does not wait for the next.
 *
 * While the issuer fails the last token serves until it is over. After each fetch, good or not, there is no other for
 * a while: an issuer that is down has that many questions from an isolate, and no more.
 */

import { EDGE_TOKEN_REST, SHARED_PATIENCE } from "../lifetimes";
import { bad, good, type Result } from "../reasons";
import type { World } from "../world";
import { granted } from "./grant";
import type { TokenIssuer } from "./issuer";
import type { EdgeToken, Judged } from "./judge";

/** What is known of one gateway's token. A state machine over time, without a clock. */
class Holding {
  #token: EdgeToken | undefined;
  #restUntil = 0;

  /** A token that may be sent now. */
  usable(now: number): string | undefined {
    return this.#token !== undefined && now < this.#token.over ? this.#token.compact : undefined;
  }

  /** Whether another is to be fetched now. */
  isDue(now: number): boolean {
    return now >= this.#restUntil && (this.#token === undefined || now >= this.#token.renewal);
  }

  learn(judged: Judged, now: number): void {
    if (judged.ok) this.#token = judged.token;
    this.#restUntil = now + EDGE_TOKEN_REST;
  }
}

export class EdgeTokens {
  /** By audience: an origin of the Worker's list. */
  readonly #holdings = new Map<string, Holding>();
  readonly #fetching = new Map<string, Promise<void>>();

  async find(audience: string, issuer: TokenIssuer, world: World): Promise<Result<string>> {
    const holding = this.#holdings.get(audience) ?? new Holding();
    this.#holdings.set(audience, holding);
    const token = holding.usable(world.now());
    const fetching = holding.isDue(world.now()) ? this.#fetch(audience, holding, issuer, world) : undefined;
    if (token !== undefined) return good(token);
    if (fetching !== undefined) await this.#join(audience, fetching, world);
    const fetched = holding.usable(world.now());
    return fetched === undefined ? bad("edge_token_unavailable") : good(fetched);
  }

  /** Another's fetch may have gone with the request that began it. */
  async #join(audience: string, fetching: Promise<void>, world: World): Promise<void> {
    await world.within(SHARED_PATIENCE, fetching).catch(() => this.#leave(audience, fetching));
  }

  #leave(audience: string, fetching: Promise<void>): void {
    if (this.#fetching.get(audience) === fetching) this.#fetching.delete(audience);
  }

  #fetch(audience: string, holding: Holding, issuer: TokenIssuer, world: World): Promise<void> {
    const running = this.#fetching.get(audience);
    if (running !== undefined) return running;
    const started = granted(issuer, audience, world)
      .then((judged) => {
        holding.learn(judged, world.now());
        if (!judged.ok)
          world.tell(JSON.stringify({ edge: "worker", code: "edge_token_unavailable", cause: judged.cause }));
      })
      .finally(() => this.#leave(audience, started));
    this.#fetching.set(audience, started);
    world.keep(started);
    return started;
  }
}
