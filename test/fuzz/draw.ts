/** Draws from a seed: the same seed draws the same. */
export type Draw = {
  /** A number in [0, 1). */
  chance(): number;
  /** An integer from 0 up to `below`, without it. */
  below(below: number): number;
  /** One of a list that is not empty. */
  one<T>(of: readonly T[]): T;
};

/** Draws of one mutation; every index has its own. */
export function drawOf(seed: number, index: number): Draw {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35);
  /** mulberry32 */
  const chance = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (limit: number): number => Math.floor(chance() * limit);
  return { chance, below, one: (list) => list[below(list.length)] as never };
}
