/** Folds what changes an account's money: deposits, withdrawals, realised results, bad debt. */

import type { CanonicalEvent } from "../../core/event.ts";
import { divDown, max } from "../../core/fixed.ts";
import type { Effect } from "../../core/margin-model.ts";
import { accountOf, addBalance, address, type Fold, int, setPosition, settled, stampMarket } from "./fold.ts";

/** Tokens came into an account, which may be the insurance fund. */
export function deposit(fold: Fold, event: CanonicalEvent): Effect {
  const account = accountOf(fold, address(event, "trader"));
  const [token, amount] = [address(event, "collateralToken"), int(event, "amount")];
  addBalance(fold, account, { token, amount });
  const { state, journal, settlement } = fold;
  // What the fund repays comes out of its own pocket. What it withdraws it may pass on at once, so that is only read.
  if (account.address === fold.insuranceFund && token === settlement.address && state.fundWallet !== null) {
    journal.put(state, "fundWallet", max(0n, state.fundWallet - amount));
  }
  return { accounts: [account.address], markets: [], everyone: false };
}

/**
 * A withdrawal first settles the funding of every market the account is in. One of settlement token also moves the
 * realised result into the balance, rounded down to the token's decimals; what is cut off is lost.
 */
export function withdraw(fold: Fold, event: CanonicalEvent): Effect {
  const account = accountOf(fold, address(event, "trader"));
  const token = address(event, "collateralToken");
  const markets = [...account.positions.keys()];
  for (const key of markets) {
    const market = fold.state.markets.get(key);
    if (market !== undefined) setPosition(fold, account, { market, next: settled(account, market) });
  }
  let amount = -int(event, "amount");
  if (token === fold.settlement.address) {
    amount += toSettlement(fold, account.owed);
    fold.journal.put(account, "owed", 0n);
  }
  addBalance(fold, account, { token, amount });
  return { accounts: [account.address], markets: [], everyone: false };
}

/** Realised results: funding, fees, penalties, closed profit and loss. The insurance fund is an account like others. */
export function realize(fold: Fold, event: CanonicalEvent): Effect {
  const account = accountOf(fold, address(event, "trader"));
  fold.journal.put(account, "owed", account.owed + int(event, "amount"));
  return { accounts: [account.address], markets: [], everyone: false };
}

/** A keeper bought collateral; its payment goes to the trader's settlement balance, a fee to the insurance fund. */
export function liquidateCollateral(fold: Fold, event: CanonicalEvent): Effect {
  const account = accountOf(fold, address(event, "trader"));
  const fund = accountOf(fold, fold.insuranceFund);
  const token = fold.settlement.address;
  const repaid = int(event, "repaidSettlementWithoutInsuranceFundFeeX10_S");
  addBalance(fold, account, { token: address(event, "collateralToken"), amount: -int(event, "collateral") });
  addBalance(fold, account, { token, amount: repaid });
  addBalance(fold, fund, { token, amount: int(event, "insuranceFundFeeX10_S") });
  return { accounts: [account.address, fund.address], markets: [], everyone: false };
}

/**
 * The insurance fund took over a debt that no collateral covers. Debt is an account's and not a market's; it is counted
 * in the market the account traded last, whose trade brought it to light.
 */
export function settleBadDebt(fold: Fold, event: CanonicalEvent): Effect {
  const { state, journal } = fold;
  const account = accountOf(fold, address(event, "trader"));
  const fund = accountOf(fold, fold.insuranceFund);
  const token = fold.settlement.address;
  const amount = int(event, "amount");
  addBalance(fold, account, { token, amount });
  addBalance(fold, fund, { token, amount: -amount });
  journal.put(state, "badDebt", state.badDebt + amount);
  const market = account.lastMarket === null ? undefined : state.markets.get(account.lastMarket);
  if (market !== undefined) {
    journal.put(market, "badDebt", market.badDebt + amount);
    stampMarket(fold, market);
  }
  return {
    accounts: [account.address, fund.address],
    markets: market === undefined ? [] : [market.key],
    everyone: false,
  };
}

/** From 18 decimals to the settlement token's, toward minus infinity. */
function toSettlement(fold: Fold, amount: bigint): bigint {
  return divDown(amount, 10n ** BigInt(18 - fold.settlement.decimals));
}
