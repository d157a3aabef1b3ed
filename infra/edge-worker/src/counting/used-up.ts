/**
 * Names whose limit is used up, and until when: what an object has refused it would refuse until then, so it is not
 * asked. Whoever calls too often costs one question for each of his waits, and cannot keep his object from answering.
 */

import { REMEMBERED } from "../limits";
import { Recent } from "../memory";

export class UsedUp {
  readonly #until = new Recent<number>(REMEMBERED);

  /** Milliseconds until the name may be asked about; 0: now. */
  wait(name: string, now: number): number {
    return Math.max((this.#until.get(name) ?? 0) - now, 0);
  }

  learn(name: string, until: number): void {
    this.#until.set(name, until);
  }
}
