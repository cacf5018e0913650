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
  readonly #accounts = new Rotation();
  readonly #markets = new Rotation();
  readonly #positions = new Rotation();

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
      positions: this.#positions.take(counts.positions).map((key) => this.#held.get(key) as Held),
    };
  }

  #move({ market, account, sizeDelta }: { market: string; account: string; sizeDelta: bigint }): void {
    const subject = `${market}/${account}`;
    const old = this.#held.get(subject);
    const size = (old?.size ?? 0n) + sizeDelta;
    const epoch = (old?.epoch ?? 0) + (old === undefined || old.size === 0n ? 1 : 0);
    this.#held.set(subject, { market, account, epoch, size });
    this.#positions.touch(subject);
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

/** Keys, of which some are touched and the rest come in turn. */
class Rotation {
  readonly #keys: string[] = [];
  readonly #known = new Set<string>();
  #touched = new Set<string>();
  #next = 0;

  touch(key: string): void {
    this.#touched.add(key);
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.#keys.push(key);
  }

  /** All touched keys, and others in turn up to as many as asked for. */
  take(count: number): string[] {
    const taken = new Set(this.#touched);
    this.#touched = new Set();
    const most = Math.min(count, this.#keys.length);
    while (taken.size < most) taken.add(this.#keys[this.#next++ % this.#keys.length] as string);
    return [...taken];
  }
}
