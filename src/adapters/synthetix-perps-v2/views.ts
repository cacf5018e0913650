/**
 * Synthetix v2 perps by their own view functions. Margin, profit and funding are stated by views; what a liquidation
 * would ask for by the settings, through the same arithmetic as the fold's.
 */
import { erc20Abi } from "../../../abis/erc20.ts";
import { synthetixFuturesMarketManagerAbi } from "../../../abis/synthetix-futures-market-manager.ts";
import { synthetixPerpsV2MarketAbi } from "../../../abis/synthetix-perps-v2-market.ts";
import { synthetixPerpsV2MarketSettingsAbi } from "../../../abis/synthetix-perps-v2-market-settings.ts";
import type { NamedCustody, ProtocolViews } from "../../core/adapter.ts";
import { InputError } from "../../core/errors.ts";
import { abs, wadMulUp } from "../../core/fixed.ts";
import type { Hex } from "../../core/ids.ts";
import type { Figure, ProtocolDeployment } from "../../core/margin-model.ts";
import type { HeldAccount } from "../../core/metrics/figures.ts";
import type { StatedGroup, StatedMarket } from "../../core/metrics/inputs.ts";
import { type Ask, askable } from "../../core/proof/ask.ts";
import { askViews, type View, view } from "../../core/proof/view.ts";
import type { Reason } from "../../core/result.ts";
import { liquidationMargin, liquidationPremium } from "./arithmetic.ts";
import { productIn } from "./product.ts";
import { contractsOf } from "./sources.ts";

export const views: ProtocolViews = { account, custody };

type Of<K extends keyof ProtocolViews> = Parameters<ProtocolViews[K]>[0];

/** What `positions` states of an account. */
type Stored = { margin: bigint; size: bigint };

/** Parameters of a liquidation, 18 decimals. */
type Terms = {
  parameters: Parameters<typeof liquidationPremium>[2] & Parameters<typeof liquidationMargin>[2]["parameters"];
  globals: Parameters<typeof liquidationMargin>[2]["globals"];
};

/** Margin is isolated, so of one market's group no other market has to be looked at. */
function* account({ config, address, market }: Of<"account">): Ask<HeldAccount> {
  const markets = market === null ? yield* listed(config) : [yield* listedOne(config, market as Hex)];
  const stored = yield* askViews<Stored[]>(markets.map((proxy) => ofMarket(proxy, "positions", [address])));
  const groups: StatedGroup[] = [];
  const known = new Map<string, StatedMarket>();
  for (const [i, proxy] of markets.entries()) {
    const position = stored[i] as Stored;
    if (position.size !== 0n) {
      const [marketKey, asset] = yield* askViews<[Hex, Hex]>([
        ofMarket(proxy, "marketKey"),
        ofMarket(proxy, "baseAsset"),
      ]);
      known.set(proxy, { product: productIn(config.underliers ?? {}, { key: proxy, marketKey, asset }) });
      groups.push(yield* openGroup(config, { address, proxy, marketKey, position }));
    } else if (position.margin !== 0n) groups.push(flatGroup(proxy, position.margin));
  }
  const marketOf = (key: string): StatedMarket => {
    const found = known.get(key);
    if (found === undefined) throw new InputError(`The account has no position in market ${key}.`);
    return found;
  };
  return { account: { groups }, marketOf };
}

type Open = { address: Hex; proxy: Hex; marketKey: Hex; position: Stored };

/** What a position comes to. Where the protocol calls its price invalid, nothing is said that rests on it. */
function* openGroup(config: ProtocolDeployment, { address, proxy, marketKey, position }: Open): Ask<StatedGroup> {
  const { margin, size } = position;
  const [[price, isInvalid], [profit], [funding]] = yield* askViews<[Priced, Priced, Priced]>([
    ofMarket(proxy, "assetPrice"),
    ofMarket(proxy, "profitLoss", [address]),
    ofMarket(proxy, "accruedFunding", [address]),
  ]);
  const terms = yield* termsOf(config, marketKey);
  const reason: Reason | null = price === 0n ? "NO_PRICE" : isInvalid ? "STALE_ORACLE" : null;
  const figure = (value: bigint): Figure => (reason === null ? { value, reason } : { value: null, reason });
  const required = liquidationMargin(size, price, terms) + liquidationPremium(size, price, terms.parameters);
  const [notional, maintenance] = [figure(wadMulUp(abs(size), price)), figure(required)];
  return {
    ...{ key: proxy, collateral: figure(margin + funding), equity: figure(margin + profit + funding) },
    ...{ maintenance, grossNotional: notional },
    positions: [
      {
        ...{ market: proxy, size, markPrice: figure(price), notional, unrealizedPnl: figure(profit) },
        ...{ fundingAccrued: figure(funding), maintenance },
        liquidationPrice: { value: null, reason: "PROTOCOL_HIDES_STATE" },
      },
    ],
  };
}

type Priced = readonly [bigint, boolean];

function* termsOf(config: ProtocolDeployment, marketKey: Hex): Ask<Terms> {
  const { PerpsV2MarketSettings } = contractsOf(config);
  const setting = (functionName: string, args: readonly Hex[] = []) =>
    view<bigint>(PerpsV2MarketSettings, { abi: synthetixPerpsV2MarketSettingsAbi, functionName, args });
  const [skewScale, liquidationPremiumMultiplier, liquidationBufferRatio, ...shared] = yield* askViews<Seven>([
    setting("skewScale", [marketKey]),
    setting("liquidationPremiumMultiplier", [marketKey]),
    setting("liquidationBufferRatio", [marketKey]),
    setting("minKeeperFee"),
    setting("maxKeeperFee"),
    setting("liquidationFeeRatio"),
    setting("keeperLiquidationFee"),
  ]);
  if (skewScale === 0n) throw new InputError(`Market ${marketKey} has no skew scale, and its views would revert.`);
  const [minKeeperFee, maxKeeperFee, liquidationFeeRatio, keeperLiquidationFee] = shared;
  return {
    parameters: { skewScale, liquidationPremiumMultiplier, liquidationBufferRatio },
    globals: { minKeeperFee, maxKeeperFee, liquidationFeeRatio, keeperLiquidationFee },
  };
}

type Seven = [bigint, bigint, bigint, bigint, bigint, bigint, bigint];

function flatGroup(key: string, margin: bigint): StatedGroup {
  const [known, nothing]: Figure[] = [
    { value: margin, reason: null },
    { value: 0n, reason: null },
  ] as [Figure, Figure];
  return { key, collateral: known, equity: known, maintenance: nothing, grossNotional: nothing, positions: [] };
}

/** The creditors are the markets the manager lists; a market that owes nothing is none. */
function* custody({ config, asset, members }: Of<"custody">): Ask<NamedCustody> {
  const token = config.settlement.address.toLowerCase() as Hex;
  if (asset.address.toLowerCase() !== token) throw new InputError(`${asset.symbol} is no margin of the protocol.`);
  const markets = yield* listed(config);
  const stranger = members.find((member) => !markets.includes(member as Hex));
  if (stranger !== undefined) throw new InputError(`"${stranger}" is no market the manager lists.`);
  const holders = [contractsOf(config).FuturesMarketManager, ...markets];
  const balances = yield* askViews<bigint[]>(
    holders.map((holder) => view(token, { abi: erc20Abi, functionName: "balanceOf", args: [holder] })),
  );
  const debts = yield* askViews<Priced[]>(markets.map((proxy) => ofMarket(proxy, "marketDebt")));
  const unit = 10n ** BigInt(18 - asset.decimals);
  const owed: Record<string, bigint> = {};
  markets.forEach((proxy, i) => {
    const [debt, isInvalid] = debts[i] as Priced;
    if (isInvalid) throw new InputError(`The protocol calls the debt of market ${proxy} invalid.`);
    if (debt > 0n) owed[proxy] = debt * unit;
  });
  return { held: balances.reduce((sum, balance) => sum + balance, 0n) * unit, owed };
}

/** Proxies of the markets the manager lists, in raw-byte order. */
function* listed(config: ProtocolDeployment): Ask<Hex[]> {
  const { FuturesMarketManager } = contractsOf(config);
  const all = { abi: synthetixFuturesMarketManagerAbi, functionName: "allMarkets", args: [true] };
  const [markets] = yield* askViews<[readonly Hex[]]>([view(FuturesMarketManager, all)]);
  return askable(markets)
    .map((proxy) => proxy.toLowerCase() as Hex)
    .sort();
}

/** The market itself, if the manager lists it under the key the market says it has. @throws InputError otherwise. */
function* listedOne(config: ProtocolDeployment, proxy: Hex): Ask<Hex> {
  const { FuturesMarketManager } = contractsOf(config);
  const [marketKey] = yield* askViews<[Hex]>([ofMarket(proxy, "marketKey")]);
  const byKey = { abi: synthetixFuturesMarketManagerAbi, functionName: "marketForKey", args: [marketKey] };
  const [found] = yield* askViews<[Hex]>([view(FuturesMarketManager, byKey)]);
  if (found.toLowerCase() !== proxy) throw new InputError(`${proxy} is no market the manager lists.`);
  return proxy;
}

function ofMarket<T>(proxy: Hex, functionName: string, args: readonly Hex[] = []): View<T> {
  return view(proxy, { abi: synthetixPerpsV2MarketAbi, functionName, args });
}
