/**
 * Who trades on the devnet. The cast does not depend on the seed: facts about it are signed in advance.
 */

export const PERP_CHAIN = 901;
export const SYNTHETIX_CHAIN = 902;

/** Indices into the kit's accounts. */
export const KEEPER = 1;
export const ARBITRAGEUR = 2;
export const LIQUIDITY_PROVIDERS = [3, 4, 5] as const;

/**
 * `careful`: never opens above 1.7x. `bold`: around 3–5x. `reckless`: long at 6–8x when the crash comes.
 */
export type Style = "careful" | "bold" | "reckless";

/** `prompt`: liquidated within a few blocks. `slow`: left below maintenance for long. `lost`: only once equity is negative. */
export type KeeperCare = "prompt" | "slow" | "lost";

export type Trader = {
  /** Index into the kit's accounts: the same address on every chain. */
  index: number;
  chains: readonly number[];
  style: Style;
  /** Direction the trader prefers: 1 long, -1 short. */
  side: 1 | -1;
  keeper: KeeperCare;
  facts: { clientClass: string; jurisdiction: string } | null;
};

type Row = [style: Style, side: 1 | -1, keeper: KeeperCare, facts: string | null];

/** Active on both chains, under one address. The crash's known victims are here, so that each chain has them all. */
const BOTH: readonly Row[] = [
  ["reckless", 1, "slow", "retail EU"],
  ["reckless", 1, "slow", "retail EU"],
  ["reckless", 1, "prompt", "retail EU"],
  ["reckless", 1, "slow", "retail AU"],
  ["reckless", 1, "prompt", "retail AU"],
  ["reckless", 1, "slow", "retail UK"],
  ["bold", 1, "slow", "individual JP"],
  ["bold", 1, "prompt", "individual JP"],
  ["reckless", 1, "lost", null],
  ["careful", 1, "prompt", "retail EU"],
  ["careful", 1, "prompt", "individual JP"],
  ["bold", -1, "prompt", null],
];

/** Active on one chain only; the same table serves each. */
const ONE: readonly Row[] = [
  ["careful", 1, "prompt", "retail EU"],
  ["careful", -1, "prompt", "retail UK"],
  ["careful", 1, "prompt", "retail AU"],
  ["bold", 1, "prompt", "retail AE-DU"],
  ["reckless", 1, "lost", "professional EU"],
  ["careful", 1, "prompt", null],
  ["bold", 1, "slow", null],
  ["bold", -1, "prompt", "individual JP"],
  ["reckless", 1, "prompt", null],
  ["careful", -1, "prompt", null],
  ["bold", 1, "prompt", null],
  ["reckless", 1, "lost", null],
  ["bold", -1, "slow", null],
  ["careful", 1, "prompt", null],
  ["bold", -1, "prompt", null],
  ["bold", 1, "prompt", null],
];

function cast(rows: readonly Row[], firstIndex: number, chains: readonly number[]): Trader[] {
  return rows.map(([style, side, keeper, facts], i) => {
    const [clientClass, jurisdiction] = facts?.split(" ") ?? [];
    const known = clientClass !== undefined && jurisdiction !== undefined;
    return {
      index: firstIndex + i,
      chains,
      style,
      side,
      keeper,
      facts: known ? { clientClass, jurisdiction } : null,
    };
  });
}

/** All traders: 12 on both chains, 16 on each alone. */
export const TRADERS: readonly Trader[] = [
  ...cast(BOTH, 10, [PERP_CHAIN, SYNTHETIX_CHAIN]),
  ...cast(ONE, 22, [PERP_CHAIN]),
  ...cast(ONE, 38, [SYNTHETIX_CHAIN]),
];

/** The traders of one chain, in order of their index. */
export function tradersOn(chainId: number): readonly Trader[] {
  return TRADERS.filter((t) => t.chains.includes(chainId));
}
