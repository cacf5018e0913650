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

type Valuing = { valued: readonly ValuedPosition[]; context: AccountContext; config: ProtocolDeployment };

/**
 * An account's collateral by token: the settlement token first, even at zero, then further ones in raw-byte order of
 * their address. Empty where it has neither.
 */
export function holdingsOf(account: Account, valuing: Valuing): readonly Holding[] {
  const { address } = valuing.context.settlement;
  const tokens = [...account.balances].filter(([token, balance]) => token !== address && balance > 0n);
  const settlement = settlementHolding(account, valuing);
  if (tokens.length === 0) return settlement.value.value === 0n ? [] : [settlement];
  const further = tokens.sort(([a], [b]) => compareKeys(a, b)).map((balance) => furtherHolding(balance, valuing));
  return [settlement, ...further];
}

function settlementHolding(account: Account, { valued, context, config }: Valuing): Holding {
  const settled = settlementCollateral(account, { valued, context });
  const units = settled ?? balanceOf(account, context) + account.owed;
  const reason = valued.find((position) => position.funding === null)?.reason ?? "READ_REVERTED";
  const value: Figure = settled === null ? { value: null, reason } : known(settled);
  const asset = config.settlement.symbol;
  return { asset, isSettlement: true, units, price: known(WAD), value, counted: value };
}

function furtherHolding([token, balance]: [string, bigint], { context, config }: Valuing): Holding {
  const asset = config.collateral?.find((listed) => listed.address.toLowerCase() === token)?.symbol ?? token;
  const decimals = context.collateral.get(token)?.decimals ?? 18;
  const found = tokenValue(token, balance, context);
  return {
    asset,
    isSettlement: false,
    units: balance * 10n ** BigInt(18 - decimals),
    price: priced(found?.price),
    value: priced(found?.value),
    counted: priced(found?.counted),
  };
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
