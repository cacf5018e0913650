/** An account's equity after every price but the settlement token's has moved at once. */
import { InputError } from "../../core/errors.ts";
import { divDown, WAD } from "../../core/fixed.ts";
import type { Figure } from "../../core/margin-model.ts";
import type { AccountContext, ValuedPosition } from "./account-figures.ts";
import { furtherCollateral, settlementCollateral } from "./collateral.ts";
import { amountsInPool } from "./range.ts";
import { type Account, isDust } from "./state.ts";
import { squareRoot } from "./tick-math.ts";

/**
 * Every division is rounded down. Liquidity is revalued as if arbitrage had moved the pool's price by the same factor as
 * the price positions are valued at.
 * @throws InputError for a shock below −1.
 */
export function equityUnder(
  account: Account,
  { valued, context, shock }: { valued: readonly ValuedPosition[]; context: AccountContext; shock: bigint },
): Figure {
  const factor = WAD + shock;
  if (factor < 0n) throw new InputError(`A shock of ${shock} would make prices negative; expected −1 or more.`);
  const unknown = valued.find((position) => position.price === null);
  if (unknown !== undefined) return { value: null, reason: unknown.reason };
  const settled = settlementCollateral(account, { valued, context });
  if (settled === null) return { value: null, reason: "READ_REVERTED" };
  const further = furtherCollateral(account, context);
  if (further === null) return { value: null, reason: "NO_PRICE" };
  let equity = settled + divDown(further * factor, WAD);
  for (const position of valued) {
    const { size, notional } = after(position, factor);
    equity += notional + divDown(size * (position.price ?? 0n) * factor, WAD * WAD);
  }
  const unit = 10n ** BigInt(18 - context.settlement.decimals);
  return { value: divDown(equity, unit) * unit, reason: null };
}

/** Size and quote of a position once the pool's price has moved by `factor`: a taker's do not change. */
function after(
  { market, position, size, notional }: ValuedPosition,
  factor: bigint,
): { size: bigint; notional: bigint } {
  if (position.orders.length === 0) return { size, notional };
  const sqrtPriceX96 = squareRoot((market.sqrtPriceX96 * market.sqrtPriceX96 * factor) / WAD);
  const moved = { size: position.takerSize, notional: position.openNotional };
  for (const order of position.orders) {
    const held = amountsInPool({ sqrtPriceX96 }, order);
    moved.size += held.base - order.baseDebt;
    moved.notional += held.quote - order.quoteDebt;
  }
  return isDust(moved.size) ? { ...moved, size: 0n } : moved;
}
