/**
 * Who trades on the devnet. The cast does not depend on the seed: facts about it are signed in advance.
 */
import type { OtherUnderlier } from "../synthetix-parameters.ts";

export const PERP_CHAIN = 901;
export const SYNTHETIX_CHAIN = 902;

/** Indices into the kit's accounts. */
export const KEEPER = 1;
export const ARBITRAGEUR = 2;
export const LIQUIDITY_PROVIDERS = [3, 4, 5] as const;
/** Publishes the heads of the log, and does nothing else. */
export const PUBLISHER = 9;
/** Only in the variant that has them. */
export const WHALES = [62, 63] as const;

/**
 * `careful`: never opens above 1.7x. `bold`: around 3–5x. `reckless`: long at 6–8x when the crash comes. In other things
 * than crypto-assets the careful stay within every cap on leverage for retail clients, and the others go beyond some.
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
  facts: { clientClass: string; jurisdiction: string; entityClass?: string } | null;
  /** Whether the trader deals in crypto-assets at all. */
  crypto: boolean;
  /** What else the trader deals in, on Synthetix. */
  others: readonly OtherUnderlier[];
};

/** Facts are client class, jurisdiction and, for some, entity class. */
type Row = [style: Style, side: 1 | -1, keeper: KeeperCare, facts: string | null, others?: string];

/** Active on both chains, under one address. The crash's known victims are here, so that each chain has them all. */
const BOTH: readonly Row[] = [
  ["reckless", 1, "slow", "retail EU", "EUR TSLA"],
  ["reckless", 1, "slow", "retail EU", "XAU OIL"],
  ["reckless", 1, "prompt", "retail EU"],
  ["reckless", 1, "slow", "retail AU", "AUD US500"],
  ["reckless", 1, "prompt", "retail AU"],
  ["reckless", 1, "slow", "retail UK"],
  ["bold", 1, "slow", "individual JP", "EUR AUD"],
  ["bold", 1, "prompt", "individual JP"],
  ["reckless", 1, "lost", null],
  ["careful", 1, "prompt", "retail EU"],
  ["careful", 1, "prompt", "individual JP"],
  ["bold", -1, "prompt", "professional HK casp"],
];

/** Active on one chain only; the same table serves each. */
const ONE: readonly Row[] = [
  ["careful", 1, "prompt", "retail EU"],
  ["careful", -1, "prompt", "retail UK"],
  ["careful", 1, "prompt", "retail AU"],
  ["bold", 1, "prompt", "retail AE-DU"],
  ["reckless", 1, "lost", "professional EU fi", "EUR AUD"],
  ["careful", 1, "prompt", null],
  ["bold", 1, "slow", null],
  ["bold", -1, "prompt", "individual JP"],
  ["reckless", 1, "prompt", null],
  ["careful", -1, "prompt", null],
  ["bold", 1, "prompt", "ecp US swap_dealer", "US500 OIL"],
  ["reckless", 1, "lost", null],
  ["bold", -1, "slow", null],
  ["careful", 1, "prompt", null],
  ["bold", -1, "prompt", "professional CH bank", "XAU TSLA"],
  ["bold", 1, "prompt", null],
];

/** Active on Synthetix only, and in no crypto-asset. */
const NO_CRYPTO: readonly Row[] = [
  ["careful", 1, "prompt", "retail UK", "EUR XAU"],
  ["reckless", 1, "slow", "retail UK", "AUD TSLA"],
  ["bold", -1, "prompt", "retail SG", "EUR AUD"],
  ["careful", 1, "prompt", "retail HK", "AUD US500"],
  ["bold", 1, "prompt", "ecp US fcm", "EUR OIL"],
  ["careful", -1, "prompt", "professional EU nfc_plus", "TSLA OIL"],
  ["careful", 1, "prompt", null, "US500 XAU"],
  ["reckless", 1, "slow", null, "EUR US500"],
];

function cast(rows: readonly Row[], firstIndex: number, chains: readonly number[]): Trader[] {
  return rows.map(([style, side, keeper, facts, others], i) => {
    const [clientClass, jurisdiction, entityClass] = facts?.split(" ") ?? [];
    const known = clientClass !== undefined && jurisdiction !== undefined;
    return {
      index: firstIndex + i,
      chains,
      style,
      side,
      keeper,
      facts: known ? { clientClass, jurisdiction, ...(entityClass ? { entityClass } : {}) } : null,
      crypto: rows !== NO_CRYPTO,
      others: (others?.split(" ") ?? []) as OtherUnderlier[],
    };
  });
}

/** All traders: 12 on both chains, 16 on each alone, 8 on Synthetix without crypto-assets. */
export const TRADERS: readonly Trader[] = [
  ...cast(BOTH, 10, [PERP_CHAIN, SYNTHETIX_CHAIN]),
  ...cast(ONE, 22, [PERP_CHAIN]),
  ...cast(ONE, 38, [SYNTHETIX_CHAIN]),
  ...cast(NO_CRYPTO, 54, [SYNTHETIX_CHAIN]),
];

/** The traders of one chain in crypto-assets, in order of their index. */
export function tradersOn(chainId: number): readonly Trader[] {
  return TRADERS.filter((t) => t.crypto && t.chains.includes(chainId));
}

/** Whoever has an account on a chain, whatever they trade, in order of their index. */
export function everyoneOn(chainId: number): readonly Trader[] {
  return TRADERS.filter((t) => t.chains.includes(chainId));
}
