import type { Hex } from "../../../src/core/ids.ts";
import type { RowCounts } from "../../fold.ts";

type Args = Readonly<Record<string, unknown>>;

/** A position by its market, account and how often it has been opened. */
export type Held = { market: string; account: string; epoch: number; size: bigint };

/** What a log says of its subject. */
export type Said = { market: string | null; account: string | null; sizeDelta: bigint | null };

/**
 * What a block's logs touched, and running sizes. `take` gives as many subjects as planned: touched ones first, then
 * others in turn, as the indexer rewrites rows of accounts nothing has touched.
 */
export class Touched {
  readonly #held = new Map<string, Held>();
  readonly #accounts = new Rotation<string>();
  readonly #markets = new Rotation<string>();
  readonly #positions = new Rotation<Held>();

  /** Notes a log. @returns its subject. */
  note(name: string, { address, args }: { address: Hex; args: Args }): Said {
    const account = text(args.trader) ?? text(args.account) ?? text(args.maker);
    const market = text(args.baseToken) ?? (args.trader === undefined && args.account !== undefined ? address : null);
    if (account !== null) this.#accounts.touch(account);
    if (market !== null) this.#markets.touch(market);
    const sizeDelta = deltaOf(name, args);
    if (sizeDelta !== null && market !== null && account !== null) this.#move({ market, account, sizeDelta });
    return { market, account, sizeDelta };
  }

  take(counts: RowCounts): { markets: string[]; accounts: string[]; positions: Held[] } {
    return {
      markets: this.#markets.take(counts.markets),
      accounts: this.#accounts.take(counts.accounts),
      positions: this.#positions.take(counts.positions),
    };
  }

  /** A position gone flat keeps its row, and the next one in its market gets another, even within one block. */
  #move({ market, account, sizeDelta }: { market: string; account: string; sizeDelta: bigint }): void {
    const subject = `${market}/${account}`;
    let held = this.#held.get(subject);
    if (held === undefined || held.size === 0n) {
      held = { market, account, epoch: (held?.epoch ?? 0) + 1, size: 0n };
      this.#held.set(subject, held);
    }
    held.size += sizeDelta;
    this.#positions.touch(held);
  }
}

/** Signed change of size; null where the event changes none. */
function deltaOf(name: string, { exchangedPositionSize, tradeSize, size }: Args): bigint | null {
  if (name === "PositionChanged") return exchangedPositionSize as bigint;
  if (name === "PositionModified") return tradeSize === 0n ? null : (tradeSize as bigint);
  return name === "PositionLiquidated" && typeof size === "bigint" ? -size : null;
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value.toLowerCase() : null;
}

/** Subjects, of which some are touched and the rest come in turn. */
class Rotation<T> {
  readonly #all: T[] = [];
  readonly #known = new Set<T>();
  #touched = new Set<T>();
  #next = 0;

  touch(subject: T): void {
    this.#touched.add(subject);
    if (this.#known.has(subject)) return;
    this.#known.add(subject);
    this.#all.push(subject);
  }

  /** All touched subjects, and others in turn up to as many as asked for. */
  take(count: number): T[] {
    const taken = this.#touched;
    this.#touched = new Set();
    const most = Math.min(count, this.#all.length);
    while (taken.size < most) taken.add(this.#all[this.#next++ % this.#all.length] as T);
    return [...taken];
  }
}
