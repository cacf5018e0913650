/**
 * What the markets hold of sUSD, against what they owe their traders. Margin is burned when it is posted and minted again
 * when it is withdrawn, so they hold none: behind what is owed stands the debt pool of those who stake SNX.
 */
import type { Journal } from "../../core/book/journal.ts";
import { type CustodyFigure, owedTo } from "../../core/custody.ts";
import { type Reading, type ReadRequest, readRequest } from "../../core/event.ts";
import type { Hex } from "../../core/ids.ts";
import type { Figure } from "../../core/margin-model.ts";
import { compareKeys } from "../../core/order.ts";
import type { Setting, State } from "./state.ts";

const BALANCE = "balance:";
const DEBT = "debt:";

/**
 * `sUSD.balanceOf` of the manager and of every market it lists, and each market's `marketDebt`: the margin, profit and
 * funding of all its positions, at least zero.
 */
export function custodyReads(state: State, setting: Setting): ReadRequest[] {
  const token = setting.settlement.address.toLowerCase() as Hex;
  const markets = listed(state);
  const balances = [setting.contracts.FuturesMarketManager, ...markets].map((holder) =>
    readRequest(BALANCE + holder, { address: token, view: "Erc20.balanceOf", args: [holder] }),
  );
  const debts = markets.map((market) =>
    readRequest(DEBT + market, { address: market, view: "PerpsV2Market.marketDebt" }),
  );
  return [...balances, ...debts];
}

/** Whether a reading is one of `custodyReads`. */
export function isOfCustody({ key }: Reading): boolean {
  return key.startsWith(BALANCE) || key.startsWith(DEBT);
}

/** Keeps what one of the views said. A debt that the protocol calls invalid, for want of a valid price, is unknown. */
export function applyCustody(
  { custody }: State,
  { setting, journal, reading }: { setting: Setting; journal: Journal; reading: Reading },
): void {
  const { key, result } = reading;
  const unit = 10n ** BigInt(18 - setting.settlement.decimals);
  let figure: Figure = { value: null, reason: "READ_REVERTED" };
  if (result?.[1] === true) figure = { value: null, reason: "STALE_ORACLE" };
  else if (result !== null) figure = { value: BigInt(result[0] as bigint) * unit, reason: null };
  journal.set(custody, key, figure);
}

/** Custody of sUSD as last read; a market listed since leaves it unknown. */
export function lastCustody(state: State, setting: Setting, asset: Hex): CustodyFigure {
  if (asset.toLowerCase() !== setting.settlement.address.toLowerCase())
    return { custody: null, reason: "NOT_YET_READ" };
  const read = (key: string): Figure => state.custody.get(key) ?? { value: null, reason: "NOT_YET_READ" };
  const markets = listed(state);
  let held = 0n;
  for (const holder of [setting.contracts.FuturesMarketManager, ...markets]) {
    const balance = read(BALANCE + holder);
    if (balance.value === null) return { custody: null, reason: balance.reason };
    held += balance.value;
  }
  const claims: (readonly [string, bigint])[] = [];
  for (const market of markets) {
    const debt = read(DEBT + market);
    if (debt.value === null) return { custody: null, reason: debt.reason };
    claims.push([market, debt.value]);
  }
  return { custody: { held, owed: owedTo(claims) }, reason: null };
}

/** Proxies of the markets the manager lists, in raw-byte order. */
function listed({ markets }: State): Hex[] {
  const found = [...markets.values()].filter((market) => market.names !== null && market.listed);
  return found.map(({ key }) => key).sort(compareKeys);
}
