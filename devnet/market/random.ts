/**
 * Chance on a devnet: 32-bit integer arithmetic only, so that a seed gives the same numbers on every machine.
 */
export type Random = {
  /** An integer from 0 up to, not including, `bound`. */
  below(bound: number): number;
  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** True in about `perMille` of a thousand cases. */
  chance(perMille: number): boolean;
  pick<T>(items: readonly T[]): T;
};

/** A generator that is a function of its key's parts: (seed, chain, block, what for). */
export function randomFor(...key: readonly (string | number | bigint)[]): Random {
  let state = hash(key.join("/"));
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  const below = (bound: number): number => next() % bound;
  return {
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (perMille) => below(1000) < perMille,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
  };
}

/** FNV-1a over the characters. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h | 0;
}
