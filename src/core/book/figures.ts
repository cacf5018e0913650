import type { Hex } from "../ids.ts";
import type { AccountFigures, MarginModel, MarketFigures } from "../margin-model.ts";

/**
 * A venue's figures, each worked out once until the fold moves on: the end of a block asks for the same account and the
 * same markets several times. It is a cache and no part of the book's state.
 */
export class Figures {
  readonly #model: MarginModel;
  readonly #accounts = new Map<Hex, AccountFigures>();
  readonly #markets = new Map<string, MarketFigures>();
  /** The time everything in the cache is about; null when nothing in it holds any more. */
  #now: bigint | null = null;

  constructor(model: MarginModel) {
    this.#model = model;
  }

  /** @see MarginModel.account */
  account(address: Hex, now: bigint): AccountFigures {
    this.#at(now);
    let figures = this.#accounts.get(address);
    if (figures === undefined) {
      figures = this.#model.account(address, now);
      this.#accounts.set(address, figures);
    }
    return figures;
  }

  /** @see MarginModel.market */
  market(key: string, now: bigint): MarketFigures {
    this.#at(now);
    let figures = this.#markets.get(key);
    if (figures === undefined) {
      figures = this.#model.market(key, now);
      this.#markets.set(key, figures);
    }
    return figures;
  }

  /** The model has changed. */
  void(): void {
    this.#now = null;
  }

  #at(now: bigint): void {
    if (this.#now === now) return;
    this.#now = now;
    if (this.#accounts.size > 0) this.#accounts.clear();
    if (this.#markets.size > 0) this.#markets.clear();
  }
}
