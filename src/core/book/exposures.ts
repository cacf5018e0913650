import type { BlockRef } from "../event.ts";
import { divUp, max, WAD } from "../fixed.ts";
import { caip10, type Hex } from "../ids.ts";
import type { Figure } from "../margin-model.ts";
import { compute } from "../metrics/compute.ts";
import { counterpartyInputs, type ExposurePart, type HeldPosition, positionInputs } from "../metrics/figures.ts";
import { compareKeys } from "../order.ts";
import type { Reason } from "../result.ts";
import type { Journal } from "./journal.ts";
import type { Prices } from "./prices.ts";
import type { Venue } from "./venue.ts";

/**
 * One owner's exposure to one underlier through one protocol, a netting set: gross notional and |net delta| · price in
 * USD, the net delta in signed base units. 18 decimals each; null with a reason. Nothing nets across protocols or chains.
 */
export type Exposure = {
  owner: string;
  address: Hex;
  protocol: string;
  underlier: string;
  gross: bigint | null;
  net: bigint | null;
  delta: bigint | null;
  reason: Reason | null;
};

/** A chain's exposures at a grid time, struck at its last block with a timestamp at or before it. */
export type Strike = { gridTime: bigint; block: BlockRef; exposures: readonly Exposure[] };

/** Grid times that lie at or after `last` and before `next`: those for which `last` is the block to strike at. */
export function gridTimes(last: bigint, { next, gridSeconds }: { next: bigint; gridSeconds: bigint }): bigint[] {
  const times: bigint[] = [];
  for (let t = divUp(last, gridSeconds) * gridSeconds; t < next; t += gridSeconds) times.push(t);
  return times;
}

/** Whether addresses carry code, read once per address: one with code is an owner of its own on every chain. */
export class Owners {
  readonly #journal: Journal;
  readonly #chainId: number;
  readonly #hasCode = new Map<Hex, boolean>();

  constructor(journal: Journal, chainId: number) {
    this.#journal = journal;
    this.#chainId = chainId;
  }

  /** Whether it is known if an address has code. */
  knows(address: Hex): boolean {
    return this.#hasCode.has(address);
  }

  /** Takes in whether an address has code. */
  learn(address: Hex, hasCode: boolean): void {
    this.#journal.set(this.#hasCode, address, hasCode);
  }

  /** Key of the beneficial owner: the address where it has no code, the CAIP-10 account where it has. */
  of(address: Hex): string {
    return this.#hasCode.get(address) === true ? caip10(this.#chainId, address) : address;
  }
}

/** Exposures of every account with an open position, in the order of venue, account, underlier. */
export function exposuresAt(
  now: bigint,
  { venues, prices, owners }: { venues: readonly Venue[]; prices: Prices; owners: Owners },
): Exposure[] {
  return venues.flatMap((venue) => {
    const rate = prices.at(venue.config.settlement.feed, now);
    return venue.model.addresses().flatMap((address) => accountExposures(address, { venue, rate, owners, now }));
  });
}

function accountExposures(
  address: Hex,
  { venue, rate, owners, now }: { venue: Venue; rate: Figure; owners: Owners; now: bigint },
): Exposure[] {
  const byUnderlier = new Map<string, HeldPosition[]>();
  for (const group of venue.figures.account(address, now).groups) {
    for (const position of group.positions) {
      const market = venue.figures.market(position.market, now);
      const { underlier } = market.product;
      byUnderlier.set(underlier, [...(byUnderlier.get(underlier) ?? []), { group, position, market }]);
    }
  }
  return [...byUnderlier]
    .sort(([a], [b]) => compareKeys(a, b))
    .map(([underlier, held]) => ({
      ...{ owner: owners.of(address), address, protocol: venue.id, underlier },
      ...value(held, { venue: venue.id, rate }),
    }));
}

/**
 * The netting sets of positions in one venue: net delta by underlier, valued at the highest mark of the set's markets in
 * USD, so that it is never understated.
 */
export function netDelta(
  held: readonly HeldPosition[],
  { venue, rate }: { venue: string; rate: Figure },
): (ExposurePart & { underlier: string })[] {
  const sets = new Map<string, { delta: bigint; highest: bigint; reason: Reason | null }>();
  for (const { group, position, market } of held) {
    const { underlier } = market.product;
    const set = sets.get(underlier) ?? { delta: 0n, highest: 0n, reason: null };
    sets.set(underlier, set);
    const { inputs, reason } = positionInputs("POS.DELTA", { group, position, market });
    set.reason ??= reason ?? position.markPrice.reason ?? rate.reason;
    if (inputs !== null) set.delta += compute("POS.DELTA", inputs, underlier).value ?? 0n;
    set.highest = max(set.highest, position.markPrice.value ?? 0n);
  }
  return [...sets].map(([underlier, { delta, highest, reason }]) => ({
    key: `${venue}/${underlier}`,
    underlier,
    amount: { value: delta, reason: null },
    price: reason === null ? { value: divUp(highest * (rate.value ?? 0n), WAD), reason } : { value: null, reason },
  }));
}

function value(
  held: readonly HeldPosition[],
  { venue, rate }: { venue: string; rate: Figure },
): Pick<Exposure, "gross" | "net" | "delta" | "reason"> {
  const sets = netDelta(held, { venue, rate });
  const delta = sets[0]?.amount.value ?? null;
  const net = counterpartyInputs("CPT.NET_EXPOSURE", sets);
  const notionals = held.map(({ position }) => ({ key: position.market, amount: position.notional, price: rate }));
  const gross = counterpartyInputs("CPT.GROSS_EXPOSURE", notionals);
  if (gross.inputs === null || net.inputs === null) {
    return { gross: null, net: null, delta, reason: gross.reason ?? net.reason };
  }
  return {
    gross: compute("CPT.GROSS_EXPOSURE", gross.inputs, "USD").value,
    net: compute("CPT.NET_EXPOSURE", net.inputs, "USD").value,
    delta,
    reason: null,
  };
}
