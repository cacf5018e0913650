/**
 * What the handlers of single events share: the state, the journal every change goes through, and the few changes that
 * keep several records consistent.
 */
import type { Journal } from "../../core/book/journal.ts";
import { InvariantError } from "../../core/errors.ts";
import type { CanonicalEvent } from "../../core/event.ts";
import type { Hex } from "../../core/ids.ts";
import type { Effect } from "../../core/margin-model.ts";
import type { Arithmetic } from "./arithmetic.ts";
import { settledOrder } from "./range.ts";
import {
  type Account,
  type Config,
  createAccount,
  FLAT,
  isDust,
  isFlat,
  type Market,
  PARAMETERS,
  type PerpState,
  type Position,
} from "./state.ts";

/** One deployment being folded. */
export type Fold = {
  readonly state: PerpState;
  readonly journal: Journal;
  readonly arithmetic: Arithmetic;
  readonly settlement: { readonly address: string; readonly decimals: number };
  readonly insuranceFund: Hex;
  /** The deployment's parameters, or `null` while one of them is not known. */
  readonly config: () => Config | null;
  /** A number never given before, also after an undo: caches keyed by it cannot outlive the state they saw. */
  readonly nextStamp: () => number;
};

export const NOTHING: Effect = { accounts: [], markets: [], everyone: false };

/** An integer of the event's payload. @throws InvariantError when decoding let something else through. */
export function int(event: CanonicalEvent, field: string): bigint {
  const value = event.payload[field];
  if (typeof value !== "bigint") throw new InvariantError(`${event.id}: ${field} is no integer.`);
  return value;
}

/** An address of the event's payload. @throws InvariantError when decoding let something else through. */
export function address(event: CanonicalEvent, field: string): Hex {
  const value = event.payload[field];
  if (typeof value !== "string") throw new InvariantError(`${event.id}: ${field} is no address.`);
  return value as Hex;
}

/** Reads the parameters out of the state, once for every change of them. */
export function configReader(state: PerpState): () => Config | null {
  let stamp = -1;
  let config: Config | null = null;
  return () => {
    if (stamp === state.configStamp) return config;
    const entries = PARAMETERS.map((name) => [name, state.parameters.get(name)] as const);
    config = entries.some(([, value]) => value === undefined) ? null : (Object.fromEntries(entries) as Config);
    stamp = state.configStamp;
    return config;
  };
}

/** The account of an address, made when it is first heard of. */
export function accountOf(fold: Fold, address: Hex): Account {
  let account = fold.state.accounts.get(address);
  if (account === undefined) {
    account = createAccount(address);
    fold.journal.set(fold.state.accounts, address, account);
  }
  return account;
}

/** Adds to a balance in the vault, in the token's decimals. */
export function addBalance(fold: Fold, account: Account, { token, amount }: { token: string; amount: bigint }): void {
  fold.journal.set(account.balances, token, (account.balances.get(token) ?? 0n) + amount);
}

/** Voids what was computed from the market. */
export function stampMarket(fold: Fold, market: Market): void {
  fold.journal.put(market, "stamp", fold.nextStamp());
}

/** Voids what was computed from parameters or collateral. */
export function stampConfig(fold: Fold): void {
  fold.journal.put(fold.state, "configStamp", fold.nextStamp());
}

/**
 * Replaces an account's position. Keeps the market's totals, makers and holders; remembers that the transaction changed
 * it, because dust is dropped only when the transaction is over.
 */
export function setPosition(fold: Fold, account: Account, { market, next }: { market: Market; next: Position }): void {
  const { journal, state } = fold;
  moveTotals(fold, market, { from: account.positions.get(market.key), to: next });
  journal.set(account.positions, market.key, next);
  journal.add(market.holders, account.address);
  if (next.orders.length > 0) journal.add(market.makers, account.address);
  else journal.remove(market.makers, account.address);
  const { touched } = state.tx;
  if (!touched.some((t) => t.account === account && t.market === market)) journal.push(touched, { account, market });
}

/** Forgets an account's position. */
export function dropPosition(fold: Fold, account: Account, market: Market): void {
  moveTotals(fold, market, { from: account.positions.get(market.key), to: FLAT });
  fold.journal.delete(account.positions, market.key);
  fold.journal.remove(market.holders, account.address);
  fold.journal.remove(market.makers, account.address);
}

/**
 * The account's position with funding settled, as every entry point of the protocol does first: what was pending is in
 * `PnlRealized`, and the snapshots move to the market's accumulated premium. The caller stores it.
 */
export function settled(account: Account, market: Market): Position {
  const old = account.positions.get(market.key) ?? FLAT;
  const growth = { twX96: market.twPremiumX96, divX96: market.twPremiumDivX96 };
  const orders = old.orders.length === 0 ? old.orders : old.orders.map((order) => settledOrder(market, order, growth));
  return { ...old, lastTwX96: growth.twX96, orders };
}

/**
 * Starts a transaction. Positions the one before left as dust are dropped now: within a transaction the order of logs
 * differs between entry points, so earlier would be too early.
 */
export function enterTransaction(fold: Fold, hash: Hex): void {
  const { tx } = fold.state;
  if (tx.hash === hash) return;
  for (const { account, market } of tx.touched) {
    const position = account.positions.get(market.key);
    if (position !== undefined && isFlat(position)) dropPosition(fold, account, market);
  }
  fold.journal.put(tx, "hash", hash);
  if (tx.touched.length > 0) fold.journal.put(tx, "touched", []);
}

function moveTotals(fold: Fold, market: Market, { from, to }: { from: Position | undefined; to: Position }): void {
  const before = takerTotal(from);
  const after = takerTotal(to);
  if (before === after) return;
  const long = positive(after) - positive(before);
  const short = positive(-after) - positive(-before);
  if (long !== 0n) fold.journal.put(market, "takerLong", market.takerLong + long);
  if (short !== 0n) fold.journal.put(market, "takerShort", market.takerShort + short);
}

/** What a position adds to the market's taker totals: makers' sizes move with the price and are summed when asked for. */
function takerTotal(position: Position | undefined): bigint {
  if (position === undefined || position.orders.length > 0 || isDust(position.takerSize)) return 0n;
  return position.takerSize;
}

function positive(x: bigint): bigint {
  return x > 0n ? x : 0n;
}
