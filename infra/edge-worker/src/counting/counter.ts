/**
 * The Durable Object behind an exact tier: one for each name that is counted, and only one in the world.
 *
 * It counts in memory and writes down what it has counted at most once a second, since writes are what such an object
 * costs; a crash or a deployment may forget the last second. A name that nobody calls with any more leaves nothing.
 */

import { DurableObject } from "cloudflare:workers";
import { type Rule, type Slot, type Taken, Window } from "./window";

/** Milliseconds: between two writes, and at least between two looks at whether there is anything left to count. */
const WRITES = 1_000;
const LOOKS = 60_000;
const UNCONFIRMED = { allowUnconfirmed: true };

export class Counter extends DurableObject {
  readonly #window: Window;
  /** Then an alarm is set, too: they come and go together. */
  #isStored: boolean;
  #writtenAt = 0;
  #isDue = false;

  constructor(state: DurableObjectState, env: Cloudflare.Env) {
    super(state, env);
    const slots = state.storage.kv.get<readonly Slot[]>("slots");
    this.#window = new Window(slots ?? []);
    this.#isStored = slots !== undefined;
  }

  /** Counts as many of `asked` as are within the limit. */
  take(rule: Rule, asked: number): Taken {
    const now = Date.now();
    const taken = this.#window.take(rule, now, asked);
    if (taken.passed > 0) this.#remember(now);
    return taken;
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    if (this.#window.over > now) return this.#lookAgain(now);
    this.#isStored = false;
    await this.ctx.storage.deleteAll();
  }

  /** At once after a quiet second, else when that is over. */
  #remember(now: number): void {
    const rest = this.#writtenAt + WRITES - now;
    if (this.#isDue) return;
    if (rest <= 0) {
      this.#write(now);
      return;
    }
    this.#isDue = true;
    setTimeout(() => {
      this.#isDue = false;
      this.#write(Date.now());
    }, rest);
  }

  /** Nobody waits for it. Should it fail, the runtime starts the object anew from what was written before. */
  #write(now: number): void {
    this.#writtenAt = now;
    void this.ctx.storage.put("slots", this.#window.slots, UNCONFIRMED);
    if (this.#isStored) return;
    this.#isStored = true;
    void this.#lookAgain(now);
  }

  #lookAgain(now: number): Promise<void> {
    return this.ctx.storage.setAlarm(Math.max(this.#window.over, now + LOOKS), UNCONFIRMED);
  }
}
