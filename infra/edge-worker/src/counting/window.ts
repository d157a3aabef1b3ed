/**
 * An exact limit on one name: in any period, wherever it begins, no more than so many pass. A sliding window, because
 * a fixed one lets twice as many pass across its edge, and a bucket that refills while it is emptied does the same.
 *
 * What passes is counted in slots of a fiftieth of the period, and a slot counts until all of it is a period old. So
 * nothing is forgotten too soon, and nothing counts for longer than a fiftieth too long. A state machine over time,
 * without a clock.
 */

export interface Rule {
  readonly limit: number;
  /** Whole seconds, in milliseconds. */
  readonly period: number;
}

export interface Taken {
  /** So many of those that were asked for. */
  readonly passed: number;
  /** Milliseconds until there is room for one more; 0 if all have passed. */
  readonly wait: number;
}

/** So many have passed, and count until this time. */
export type Slot = readonly [until: number, passed: number];

const SLOTS = 50;

export class Window {
  #slots: readonly Slot[];

  /** @param slots of an earlier one, in order of time. */
  constructor(slots: readonly Slot[]) {
    this.#slots = slots;
  }

  /** What has to be known to go on counting: never more than the slots of a period and one. */
  get slots(): readonly Slot[] {
    return this.#slots;
  }

  /** From when on nothing that has passed counts. */
  get over(): number {
    return this.#slots.at(-1)?.[0] ?? 0;
  }

  /** Counts as many of `asked` as are within the limit. */
  take({ limit, period }: Rule, now: number, asked: number): Taken {
    this.#slots = this.#slots.filter(([until]) => until > now);
    const room = limit - this.#slots.reduce((sum, [, count]) => sum + count, 0);
    const passed = Math.max(Math.min(asked, room), 0);
    if (passed > 0) this.#slots = withMore(this.#slots, endOf(now, period), passed);
    return { passed, wait: passed === asked ? 0 : this.#untilRoom(limit) - now };
  }

  /** When so many slots are over that fewer count than the limit. */
  #untilRoom(limit: number): number {
    let counting = this.#slots.reduce((sum, [, count]) => sum + count, 0);
    const last = this.#slots.find(([, count]) => {
      counting -= count;
      return counting < limit;
    });
    return last?.[0] ?? 0;
  }
}

/** When what passes now no longer counts. */
function endOf(now: number, period: number): number {
  const width = period / SLOTS;
  return (Math.floor(now / width) + 1) * width + period;
}

/** A clock that was set back, on another machine, is as late as the last slot. */
function withMore(slots: readonly Slot[], end: number, more: number): Slot[] {
  const [until, passed] = slots.at(-1) ?? [0, 0];
  return until >= end ? [...slots.slice(0, -1), [until, passed + more]] : [...slots, [end, more]];
}
