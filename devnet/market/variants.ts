/**
 * Other plots than the crash: histories in which rules come out the other way. Everything not named here is the same in
 * all of them: contracts, cast, cadence, and what chance is drawn from.
 */
export type Variant = {
  /** Whether prices fall across midnight and recover. */
  crash: boolean;
  /** Market time before midnight; all of it is shared out evenly among three quarters of the history's blocks. */
  secondsToMidnight: number;
  /** Whether no block comes for a day shortly before midnight, with feeds silent before and after. */
  outage: boolean;
  /** Whether somebody takes positions that no threshold and no insurance fund was made for: in gold, and in ETH. */
  whales: boolean;
  /** Whether the keeper takes every liquidation as soon as it can. */
  promptKeeper: boolean;
  /** Part of WETH's price that Perp v2 counts, in millionths: what its owner changes it to, and how long before midnight. */
  collateralRatio: { to: number; blocksBeforeMidnight: number } | null;
};

const HOUR = 3_600;

export const VARIANTS = {
  /** What `npm run devnet` plays. */
  crash: {
    crash: true,
    secondsToMidnight: 8 * HOUR,
    outage: false,
    whales: false,
    promptKeeper: false,
    collateralRatio: null,
  },
  /** Prices only wander. */
  calm: {
    crash: false,
    secondsToMidnight: 8 * HOUR,
    outage: false,
    whales: false,
    promptKeeper: false,
    collateralRatio: null,
  },
  /** A day without blocks; when they come again, feeds stay silent and Perp v2 no longer counts WETH at all. */
  outage: {
    crash: false,
    secondsToMidnight: 8 * HOUR,
    outage: true,
    whales: false,
    promptKeeper: false,
    collateralRatio: { to: 0, blocksBeforeMidnight: 4 },
  },
  /** Seconds between blocks, a keeper that never sleeps, WETH counted nearly in full, and whales. */
  whales: {
    crash: true,
    secondsToMidnight: HOUR / 2,
    outage: false,
    whales: true,
    promptKeeper: true,
    collateralRatio: { to: 950_000, blocksBeforeMidnight: 30 },
  },
} as const satisfies Record<string, Variant>;

export type VariantName = keyof typeof VARIANTS;

/** What a scenario plays: the crash, unless it says otherwise. */
export function variantOf({ variant }: { variant?: VariantName }): Variant {
  return VARIANTS[variant ?? "crash"];
}
