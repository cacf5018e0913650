/**
 * Perp v2 by its own view functions. Equity and requirement are two views; notionals are sizes at the price the protocol
 * itself values positions at, with the fold's one rounding.
 */
import { encodeAbiParameters } from "viem/utils";
import { erc20Abi } from "../../../abis/erc20.ts";
import { accountBalanceAbi } from "../../../abis/perp-v2-account-balance.ts";
import { baseTokenAbi } from "../../../abis/perp-v2-base-token.ts";
import { clearingHouseAbi } from "../../../abis/perp-v2-clearing-house.ts";
import { vaultAbi } from "../../../abis/perp-v2-vault.ts";
import type { NamedCustody, ProtocolViews } from "../../core/adapter.ts";
import { InputError } from "../../core/errors.ts";
import { abs, divUp, WAD } from "../../core/fixed.ts";
import type { Hex } from "../../core/ids.ts";
import type { Figure, ProtocolDeployment } from "../../core/margin-model.ts";
import type { HeldAccount } from "../../core/metrics/figures.ts";
import type { StatedPosition } from "../../core/metrics/inputs.ts";
import { type Ask, askable, asked, type SlotRead } from "../../core/proof/ask.ts";
import { fromHex, toHex } from "../../core/proof/bytes.ts";
import { keccak256 } from "../../core/proof/chain/keccak.ts";
import { askViews, type View, view } from "../../core/proof/view.ts";
import { productOf } from "./product.ts";
import { contractsOf } from "./sources.ts";

const UNSTATED: Figure = { value: null, reason: "PROTOCOL_HIDES_STATE" };

/**
 * Slot of `AccountBalance._owedRealizedPnlMap`, a mapping from trader to int256 that only a view of everything the trader
 * has states. Taken from the published bytecode: of the mappings at 0 to 399, only this one holds what
 * `getPnlAndPendingFee` says is owed.
 * @see npm @perp/curie-deployments 2023.4.12-1681295833590, AccountBalance
 */
const OWED_REALIZED_PNL = 157n;

export const views: ProtocolViews = { account, custody };

type Of<K extends keyof ProtocolViews> = Parameters<ProtocolViews[K]>[0];

/** All positions share one pool of collateral, so every market the account is in is looked at. */
function* account({ config, address }: Of<"account">): Ask<HeldAccount> {
  const { ClearingHouse, AccountBalance } = contractsOf(config);
  const [equity, maintenance, bases] = yield* askViews<[bigint, bigint, readonly Hex[]]>([
    view(ClearingHouse, { abi: clearingHouseAbi, functionName: "getAccountValue", args: [address] }),
    ofBalance(AccountBalance, "getMarginRequirementForLiquidation", [address]),
    ofBalance(AccountBalance, "getBaseTokens", [address]),
  ]);
  const markets = askable(bases)
    .map((base) => base.toLowerCase() as Hex)
    .sort();
  const marketOf = (key: string) => ({ product: productOf(config.underliers?.[key] ?? key) });
  if (markets.length === 0 && equity === 0n && !(yield* hasBalance(config, address))) {
    return { account: { groups: [] }, marketOf };
  }
  const positions = yield* positionsIn(markets, { AccountBalance, address });
  const grossNotional = positions.reduce((sum, { notional }) => sum + (notional.value ?? 0n), 0n);
  const group = {
    key: "",
    equity: known(equity),
    maintenance: known(maintenance),
    grossNotional: known(grossNotional),
  };
  return { account: { groups: [{ ...group, collateral: UNSTATED, positions }] }, marketOf };
}

function* positionsIn(
  markets: readonly Hex[],
  { AccountBalance, address }: { AccountBalance: Hex; address: Hex },
): Ask<StatedPosition[]> {
  if (markets.length === 0) return [];
  const sizes = markets.map((base) => ofBalance<bigint>(AccountBalance, "getTotalPositionSize", [address, base]));
  const statuses = markets.flatMap((base) => [ofBase<boolean>(base, "isOpen"), ofBase<boolean>(base, "isClosed")]);
  const answers = yield* askViews<(bigint | boolean)[]>([...sizes, ...statuses]);
  const prices = markets.map((base, i): View<bigint> => {
    const [isOpen, isClosed] = answers.slice(markets.length + 2 * i);
    if (isOpen) return ofBalance(AccountBalance, "getMarkPrice", [base]);
    // A paused market keeps the index price of its pause, whatever the interval.
    return isClosed ? ofBase(base, "getClosedPrice") : ofBase(base, "getIndexPrice", [0n]);
  });
  const stated = yield* askViews<bigint[]>(prices);
  return markets.map((market, i) => {
    const [size, price] = [answers[i] as bigint, stated[i] as bigint];
    return {
      ...{ market, size, markPrice: known(price), notional: known(divUp(abs(size) * price, WAD)) },
      ...{ unrealizedPnl: UNSTATED, fundingAccrued: UNSTATED, maintenance: UNSTATED, liquidationPrice: UNSTATED },
    };
  });
}

/** Whether an account without a position has anything at all, be it worth nothing. */
function* hasBalance(config: ProtocolDeployment, address: Hex): Ask<boolean> {
  const { Vault, AccountBalance } = contractsOf(config);
  const [balance, tokens, [owed]] = yield* askViews<[bigint, readonly Hex[], readonly bigint[]]>([
    inVault(Vault, { address, token: config.settlement.address }),
    view(Vault, { abi: vaultAbi, functionName: "getCollateralTokens", args: [address] }),
    ofBalance(AccountBalance, "getPnlAndPendingFee", [address]),
  ]);
  return balance !== 0n || tokens.length > 0 || owed !== 0n;
}

/** That `members` are all creditors no view says: the vault keeps no list of them. */
function* custody({ config, asset, members }: Of<"custody">): Ask<NamedCustody> {
  const { Vault, AccountBalance, InsuranceFund } = contractsOf(config);
  const token = asset.address.toLowerCase() as Hex;
  const isSettlement = token === config.settlement.address.toLowerCase();
  const traders = members.map((member) => traderOf(member, InsuranceFund));
  const balances = [
    view<bigint>(token, { abi: erc20Abi, functionName: "balanceOf", args: [Vault] }),
    ...traders.map((address) => inVault(Vault, { address, token })),
  ];
  const [inToken = 0n, ...ledger] = yield* askViews<bigint[]>(balances);
  const slots = isSettlement ? traders.map((trader) => owedRealizedPnl(AccountBalance, trader)) : [];
  const realized = slots.length === 0 ? [] : yield* asked(slots);
  const unit = 10n ** BigInt(18 - asset.decimals);
  const owed: Record<string, bigint> = {};
  traders.forEach((trader, i) => {
    const amount = (ledger[i] ?? 0n) * unit + BigInt.asIntN(256, BigInt(realized[i] ?? 0n));
    if (amount > 0n) owed[trader] = amount;
  });
  return { held: inToken * unit, owed };
}

function traderOf(member: string, insuranceFund: Hex): Hex {
  if (!/^0x[0-9a-f]{40}$/.test(member) || member === insuranceFund) {
    throw new InputError(`"${member}" is no customer of the vault.`);
  }
  return member as Hex;
}

/** Where a mapping keeps an address's value. @see https://docs.soliditylang.org/en/latest/internals/layout_in_storage.html */
function owedRealizedPnl(account: Hex, trader: Hex): SlotRead {
  const place = encodeAbiParameters([{ type: "address" }, { type: "uint256" }], [trader, OWED_REALIZED_PNL]);
  return { account, slot: toHex(keccak256(fromHex(place))) };
}

function inVault(Vault: Hex, { address, token }: { address: Hex; token: Hex }): View<bigint> {
  return view(Vault, { abi: vaultAbi, functionName: "getBalanceByToken", args: [address, token] });
}

function ofBalance<T>(AccountBalance: Hex, functionName: string, args: readonly Hex[]): View<T> {
  return view(AccountBalance, { abi: accountBalanceAbi, functionName, args });
}

function ofBase<T>(base: Hex, functionName: string, args: readonly bigint[] = []): View<T> {
  return view(base, { abi: baseTokenAbi, functionName, args });
}

function known(value: bigint): Figure {
  return { value, reason: null };
}
