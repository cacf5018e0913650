/** What the vault holds for an account: settlement token with everything realised in it, and further tokens. */
import { divDown, WAD } from "../../core/fixed.ts";
import type { Figure, Holding, ProtocolDeployment } from "../../core/margin-model.ts";
import { compareKeys } from "../../core/order.ts";
import type { AccountContext, ValuedPosition } from "./account-figures.ts";
import { feedPrice } from "./price-feed.ts";
import type { Account } from "./state.ts";
import { mulRatio } from "./tick-math.ts";

/** Seconds over which the vault averages the price of further collateral. */
const COLLATERAL_TWAP_SECONDS = 900n;

/** A balance of a further token, 18 decimals: its price, its value before and after the token's weight. */
type TokenValue = { price: bigint; value: bigint; counted: bigint };

/** Value of collateral other than the settlement token at its weights, 18 decimals; `null` without a price. */
export function furtherCollateral(account: Account, context: AccountContext): bigint | null {
  let sum = 0n;
  for (const [token, balance] of account.balances) {
    if (token === context.settlement.address || balance <= 0n) continue;
    const value = tokenValue(token, balance, context);
    if (value === null) return null;
    sum += value.counted;
  }
  return sum;
}

/** Settlement token in the vault with realised results, fees earned and funding, 18 decimals; `null` without funding. */
export function settlementCollateral(
  account: Account,
  { valued, context }: { valued: readonly ValuedPosition[]; context: AccountContext },
): bigint | null {
  let sum = balanceOf(account, context) + account.owed;
  for (const { pendingFee, funding } of valued) {
    if (funding === null) return null;
    sum += pendingFee - funding;
  }
  return sum;
}

/** An account's collateral by token: the settlement token first, then further ones in raw-byte order of their address. */
export function holdingsOf(
  account: Account,
  {
    valued,
    context,
    config,
  }: { valued: readonly ValuedPosition[]; context: AccountContext; config: ProtocolDeployment },
): readonly Holding[] {
  const holdings: Holding[] = [];
  const settled = settlementCollateral(account, { valued, context });
  const units = settled ?? balanceOf(account, context) + account.owed;
  if (settled !== 0n) {
    const reason = valued.find((position) => position.funding === null)?.reason ?? "READ_REVERTED";
    const value: Figure = settled === null ? { value: null, reason } : known(settled);
    holdings.push({
      asset: config.settlement.symbol,
      isSettlement: true,
      units,
      price: known(WAD),
      value,
      counted: value,
    });
  }
  const tokens = [...account.balances].filter(([token, b]) => token !== context.settlement.address && b > 0n);
  for (const [token, balance] of tokens.sort(([a], [b]) => compareKeys(a, b))) {
    const asset = config.collateral?.find((listed) => listed.address.toLowerCase() === token)?.symbol ?? token;
    const decimals = context.collateral.get(token)?.decimals ?? 18;
    const found = tokenValue(token, balance, context);
    holdings.push({
      asset,
      isSettlement: false,
      units: balance * 10n ** BigInt(18 - decimals),
      price: priced(found?.price),
      value: priced(found?.value),
      counted: priced(found?.counted),
    });
  }
  return holdings;
}

/** As the vault values it: divided by the price's decimals first, then weighted. */
function tokenValue(token: string, balance: bigint, { now, collateral }: AccountContext): TokenValue | null {
  const config = collateral.get(token);
  const feed = config?.feed;
  if (config === undefined || feed == null) return null;
  const price = feedPrice(feed, { interval: COLLATERAL_TWAP_SECONDS, now });
  if (price === null) return null;
  const value = (balance * 10n ** BigInt(18 - config.decimals) * price) / 10n ** BigInt(feed.decimals);
  return { price: price * 10n ** BigInt(18 - feed.decimals), value, counted: mulRatio(value, config.ratio) };
}

function balanceOf(account: Account, { settlement }: AccountContext): bigint {
  return (account.balances.get(settlement.address) ?? 0n) * 10n ** BigInt(18 - settlement.decimals);
}

/** What the insurance fund can pay: its account in the vault, cut to the token's decimals, and what it holds itself. */
export function fundOf(
  account: Account | undefined,
  { wallet, settlement }: { wallet: bigint | null; settlement: AccountContext["settlement"] },
): Figure {
  if (wallet === null) return { value: null, reason: "NOT_YET_READ" };
  const unit = 10n ** BigInt(18 - settlement.decimals);
  const inVault = account?.balances.get(settlement.address) ?? 0n;
  return known((inVault + divDown(account?.owed ?? 0n, unit) + wallet) * unit);
}

function priced(value: bigint | undefined): Figure {
  return value === undefined ? { value: null, reason: "NO_PRICE" } : known(value);
}

function known(value: bigint): Figure {
  return { value, reason: null };
}
