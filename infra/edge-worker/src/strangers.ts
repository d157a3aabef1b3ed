/**
 * Who was refused too often, by address: turned away for the rest of a tier's period before anything is looked up for
 * him. So guessing keys is slow, and what it costs here is little.
 */

import type { Config } from "./config";
import { type Exceeded, limited, network } from "./limiting";
import { REMEMBERED } from "./limits";
import { Recent } from "./memory";
import type { World } from "./world";

interface Turned {
  readonly tier: Exceeded;
  /** Milliseconds since 1970. */
  readonly until: number;
}

export class Strangers {
  readonly #turned = new Recent<Turned>(REMEMBERED);

  /** The tier that an address has used up. */
  turnedAway(ip: string, now: number): Exceeded | undefined {
    const turned = this.#turned.get(network(ip));
    return turned !== undefined && now < turned.until ? turned.tier : undefined;
  }

  /** Counts a refusal, where `STRANGERS` names a tier for them. */
  async refused(ip: string, config: Config, world: World): Promise<void> {
    if (config.strangers === undefined) return;
    const name = network(ip);
    const { tier } = await limited(
      [{ tier: config.strangers, name: JSON.stringify(["stranger", name]) }],
      config,
      world,
    );
    if (tier !== undefined) this.#turned.set(name, { tier, until: world.now() + tier.period * 1_000 });
  }
}
