/**
 * Questions to the objects that count: for each name one at a time. Who comes while one is on its way is asked about
 * together with others in the next, and what an object has refused it would refuse until it has room again, so until
 * then it is not asked. However many come at once, an object has little to answer, and answers in time.
 */

import { REMEMBERED } from "../limits";
import { Recent } from "../memory";
import type { Taken } from "./window";

interface Batch {
  asked: number;
  /** Until its question is put. */
  isOpen: boolean;
  readonly answer: Promise<Taken>;
}

/** How an object is asked about one name: for so many, within bounded time. */
export interface Asking {
  now(): number;
  take(asked: number): Promise<Taken>;
  /** Holds the request open until the answer is there, so that those who share it are not left waiting. */
  keep(work: Promise<unknown>): void;
}

export interface Asked {
  /** Milliseconds until there is room for one more, 0 if it was counted. Rejects if nothing is known. */
  readonly wait: Promise<number>;
  /** Nobody else is to wait for this question: it went with the request that had put it. */
  leave(): void;
}

export class Questions {
  readonly #usedUp = new Recent<number>(REMEMBERED);
  /** The last batch of each name that is asked about. */
  readonly #last = new Map<string, Batch>();

  /** One more under this name. */
  ask(name: string, asking: Asking): Asked {
    const batch = this.#batch(name, asking);
    const place = batch.asked++;
    const wait = batch.answer.then(({ passed, wait }) => (place < passed ? 0 : wait));
    return { wait, leave: () => this.#leave(name, batch) };
  }

  #leave(name: string, batch: Batch): void {
    if (this.#last.get(name) === batch) this.#last.delete(name);
  }

  #batch(name: string, asking: Asking): Batch {
    const last = this.#last.get(name);
    if (last?.isOpen) return last;
    const before = last === undefined ? Promise.resolve() : last.answer.catch(() => {});
    const batch: Batch = Object.assign(
      { asked: 0, isOpen: true },
      { answer: before.then(() => this.#put(name, batch, asking)) },
    );
    this.#last.set(name, batch);
    const over = () => this.#leave(name, batch);
    asking.keep(batch.answer.then(over, over));
    return batch;
  }

  async #put(name: string, batch: Batch, asking: Asking): Promise<Taken> {
    batch.isOpen = false;
    const known = (this.#usedUp.get(name) ?? 0) - asking.now();
    if (known > 0) return { passed: 0, wait: known };
    const taken = await asking.take(batch.asked);
    if (taken.wait > 0) this.#usedUp.set(name, asking.now() + taken.wait);
    return taken;
  }
}
