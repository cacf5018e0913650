import type { BlockRef } from "../event.ts";
import { divUp, WAD } from "../fixed.ts";
import { caip2, caip10, type Hex } from "../ids.ts";
import type { Figure } from "../margin-model.ts";
import type { Reason } from "../result.ts";
import type { Journal } from "./journal.ts";
import type { Prices } from "./prices.ts";
import type { Venue } from "./venue.ts";

/** One owner's exposure to one underlier through one protocol, in USD with 18 decimals; null with a reason. */
export type Exposure = {
  owner: string;
  address: Hex;
  protocol: string;
  underlier: string;
  gross: bigint | null;
  net: bigint | null;
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

  knows(address: Hex): boolean {
    return this.#hasCode.has(address);
  }

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

type Totals = { gross: bigint; net: bigint; reason: Reason | null };

function accountExposures(
  address: Hex,
  { venue, rate, owners, now }: { venue: Venue; rate: Figure; owners: Owners; now: bigint },
): Exposure[] {
  const totals = new Map<string, Totals>();
  for (const group of venue.model.account(address, now).groups) {
    for (const position of group.positions) {
      const { underlier } = venue.model.market(position.market, now).product;
      const total = totals.get(underlier) ?? { gross: 0n, net: 0n, reason: null };
      const { notional } = position;
      if (notional.value === null) total.reason ??= notional.reason;
      else {
        total.gross += notional.value;
        total.net += position.size < 0n ? -notional.value : notional.value;
      }
      totals.set(underlier, total);
    }
  }
  return [...totals]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([underlier, { gross, net, reason }]) => {
      const base = { owner: owners.of(address), address, protocol: venue.id, underlier };
      const why = reason ?? rate.reason;
      if (why !== null || rate.value === null) return { ...base, gross: null, net: null, reason: why };
      return {
        ...base,
        gross: usdUp(gross, rate.value),
        net: net < 0n ? -usdUp(-net, rate.value) : usdUp(net, rate.value),
        reason: null,
      };
    });
}

/** Money at 18 decimals times a USD price at 18 decimals, rounded away from zero so that exposure is never understated. */
function usdUp(amount: bigint, price: bigint): bigint {
  return divUp(amount * price, WAD);
}

/** Id of a strike: `<chain>/<gridTime>`. */
export function strikeId(chainId: number, gridTime: bigint): string {
  return `${caip2(chainId)}/${gridTime}`;
}
