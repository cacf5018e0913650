import { type Abi, decodeFunctionData, encodeFunctionResult } from "viem";
import { describe, expect, it } from "vitest";
import { erc20Abi } from "../../../abis/erc20.ts";
import { accountBalanceAbi } from "../../../abis/perp-v2-account-balance.ts";
import { baseTokenAbi } from "../../../abis/perp-v2-base-token.ts";
import { clearingHouseAbi } from "../../../abis/perp-v2-clearing-house.ts";
import { vaultAbi } from "../../../abis/perp-v2-vault.ts";
import { synthetixFuturesMarketManagerAbi } from "../../../abis/synthetix-futures-market-manager.ts";
import { synthetixPerpsV2MarketAbi } from "../../../abis/synthetix-perps-v2-market.ts";
import { synthetixPerpsV2MarketSettingsAbi } from "../../../abis/synthetix-perps-v2-market-settings.ts";
import { views as perpV2 } from "../../../src/adapters/perp-v2/views.ts";
import { bytes32Of } from "../../../src/adapters/synthetix-perps-v2/text.ts";
import { views as synthetix } from "../../../src/adapters/synthetix-perps-v2/views.ts";
import { InputError } from "../../../src/core/errors.ts";
import { WAD } from "../../../src/core/fixed.ts";
import type { Hex } from "../../../src/core/ids.ts";
import type { AssetDeployment, ChainDeployment, ProtocolDeployment } from "../../../src/core/margin-model.ts";
import { type Ask, isCall } from "../../../src/core/proof/ask.ts";

const hex = (n: number): Hex => `0x${n.toString(16).padStart(40, "0")}`;
const [TRADER, BASE, PAUSED, CLOSED, TOKEN] = [hex(0x71), hex(0xb1), hex(0xb2), hex(0xb3), hex(0xe1)];

const MANY = Array.from({ length: 1_025 }, (_, i) => hex(0x10_000 + i));

const asset: AssetDeployment = { symbol: "USD", address: TOKEN, decimals: 6, feed: "USD/USD" };
const chain = { chainId: 901 } as ChainDeployment;

function configOf(protocol: string, names: readonly string[], settlement = asset): ProtocolDeployment {
  const contracts = Object.fromEntries(names.map((name, i) => [name, hex(0x100 + i)]));
  return { protocol, startBlock: 0, contracts, settlement };
}

/** What contracts answer, by function and first argument, else by function alone. */
type Answers = Readonly<Record<string, unknown>>;

/** Answers an ask's calls by name; slots are `slot`. @throws what the ask throws. */
function answer<T>(ask: Ask<T>, { abi, answers }: { abi: Abi; answers: Answers }): T {
  let round = ask.next();
  while (round.done !== true) {
    const given = round.value.map((request): Hex => {
      if (!isCall(request))
        return `0x${BigInt.asUintN(256, answers.slot as bigint)
          .toString(16)
          .padStart(64, "0")}`;
      const { functionName, args = [] } = decodeFunctionData({ abi, data: request.data });
      const names = [`${functionName} ${args.at(-1)}`.toLowerCase(), `${functionName} ${request.to}`.toLowerCase()];
      const known = Object.entries(answers).find(([name]) => names.includes(name.toLowerCase()));
      const result = known === undefined ? answers[functionName] : known[1];
      if (result === undefined) throw new Error(`Nobody answers ${functionName}.`);
      return encodeFunctionResult({ abi, functionName, result } as never);
    });
    round = ask.next(given);
  }
  return round.value;
}

describe("Perp v2 by its views", () => {
  const config = configOf("perp-v2", [
    ...["ClearingHouse", "Vault", "AccountBalance", "Exchange", "MarketRegistry", "ClearingHouseConfig"],
    ...["CollateralManager", "InsuranceFund"],
  ]);
  const abi = [...accountBalanceAbi, ...baseTokenAbi, ...clearingHouseAbi, ...vaultAbi, ...erc20Abi] as unknown as Abi;
  const account = (answers: Answers) =>
    answer(perpV2.account({ chain, config, address: TRADER, market: null }), { abi, answers });
  const custody = (members: readonly string[], answers: Answers) =>
    answer(perpV2.custody({ chain, config, asset, members }), { abi, answers });

  it("values each market at the price its status calls for, each notional rounded up", () => {
    const { groups } = account({
      ...{ getAccountValue: -5n, getMarginRequirementForLiquidation: 9n, getBaseTokens: [PAUSED, CLOSED, BASE] },
      ...{ [`getTotalPositionSize ${BASE}`]: -1n, [`getTotalPositionSize ${PAUSED}`]: WAD },
      ...{ [`getTotalPositionSize ${CLOSED}`]: 0n, [`isOpen ${BASE}`]: true, isOpen: false, isClosed: false },
      ...{ [`isClosed ${CLOSED}`]: true, getMarkPrice: 3n, getIndexPrice: 5n, getClosedPrice: 7n },
    }).account;
    expect(groups).toHaveLength(1);
    expect(groups[0]).toMatchObject({ key: "", equity: { value: -5n }, maintenance: { value: 9n } });
    expect(groups[0]?.grossNotional.value).toBe(1n + 5n);
    const positions = groups[0]?.positions.map(({ market, markPrice, notional }) => [
      ...[market, markPrice.value, notional.value],
    ]);
    expect(positions).toEqual([
      [BASE, 3n, 1n],
      [PAUSED, 5n, 5n],
      [CLOSED, 7n, 0n],
    ]);
  });

  it("has nothing of an account that has nothing, and a group of one whose balance is worth nothing", () => {
    const nothing = { getAccountValue: 0n, getMarginRequirementForLiquidation: 0n, getBaseTokens: [] };
    const empty = { ...nothing, getBalanceByToken: 0n, getCollateralTokens: [], getPnlAndPendingFee: [0n, 0n, 0n] };
    expect(account(empty).account.groups).toEqual([]);
    for (const some of [
      { getBalanceByToken: 1n },
      { getCollateralTokens: [TOKEN] },
      { getPnlAndPendingFee: [-1n, 0n, 0n] },
    ]) {
      expect(account({ ...empty, ...some }).account.groups).toHaveLength(1);
    }
  });

  it("refuses more markets than can be asked about", () => {
    const nothing = { getAccountValue: 0n, getMarginRequirementForLiquidation: 0n };
    expect(() => account({ ...nothing, getBaseTokens: MANY })).toThrow(/lists 1025 things, more than the 1024/);
  });

  it("adds what is owed in the ledger and beside it, in 18 decimals, and names no one who is owed nothing", () => {
    const answers = { balanceOf: 3n, getBalanceByToken: 2n, slot: -10n };
    const amount = 2n * 10n ** 12n - 10n;
    expect(custody([TRADER], answers)).toEqual({ held: 3n * 10n ** 12n, owed: { [TRADER]: amount } });
    expect(custody([TRADER], { ...answers, slot: -2n * 10n ** 12n })).toEqual({ held: 3n * 10n ** 12n, owed: {} });
    expect(custody([], { balanceOf: 3n }).owed).toEqual({});
  });

  it("refuses the insurance fund and what is no address as a creditor", () => {
    for (const member of [config.contracts.InsuranceFund as Hex, "0x12", TRADER.replace("71", "7A")]) {
      expect(() => custody([member], {}), member).toThrow(InputError);
    }
  });
});

describe("Synthetix v2 perps by their views", () => {
  const susd: AssetDeployment = { ...asset, symbol: "sUSD", decimals: 18 };
  const config = configOf(
    "synthetix-perps-v2",
    ["FuturesMarketManager", "PerpsV2MarketSettings", "FlexibleStorage", "ExchangeRates", "SystemStatus"],
    susd,
  );
  const abi = [
    ...synthetixPerpsV2MarketAbi,
    ...synthetixFuturesMarketManagerAbi,
    ...synthetixPerpsV2MarketSettingsAbi,
    ...erc20Abi,
  ] as unknown as Abi;
  const stored = { id: 1n, lastFundingIndex: 2n, margin: 100n * WAD, lastPrice: 2_000n * WAD, size: WAD };
  const open: Answers = {
    ...{ allMarkets: [BASE], marketForKey: BASE, marketKey: bytes32Of("sETHPERP"), baseAsset: bytes32Of("sETH") },
    ...{ positions: stored, assetPrice: [1_800n * WAD, false], profitLoss: [-200n * WAD, false] },
    ...{ accruedFunding: [-1n, false], skewScale: 1_000n * WAD, liquidationPremiumMultiplier: WAD },
    ...{ liquidationBufferRatio: WAD / 100n, minKeeperFee: WAD, maxKeeperFee: 10n * WAD },
    ...{ liquidationFeeRatio: 0n, keeperLiquidationFee: 2n * WAD },
  };
  const account = (answers: Answers, market: string | null = BASE) =>
    answer(synthetix.account({ chain, config, address: TRADER, market }), { abi, answers });
  const custody = (members: readonly string[], answers: Answers, of = susd) =>
    answer(synthetix.custody({ chain, config, asset: of, members }), { abi, answers });

  it("does not floor equity at zero, and asks for margin, fees and premium", () => {
    for (const market of [BASE, null]) {
      const { account: held, marketOf } = account(open, market);
      // A hundredth of 1,800 as the buffer, 1 and 2 as fees, and a thousandth of 1,800 as the premium.
      expect(held.groups[0]).toMatchObject({
        ...{ key: BASE, equity: { value: -100n * WAD - 1n }, maintenance: { value: (228n * WAD) / 10n } },
        ...{ grossNotional: { value: 1_800n * WAD } },
      });
      expect(marketOf(BASE).product).toMatchObject({ underlier: "ETH", underlierClass: "crypto" });
    }
  });

  it("knows nothing by a price that is invalid or zero", () => {
    const reasons = [
      [1_800n * WAD, true],
      [0n, true],
    ].map((assetPrice) => account({ ...open, assetPrice }).account.groups[0]?.equity.reason);
    expect(reasons).toEqual(["STALE_ORACLE", "NO_PRICE"]);
  });

  it("has margin without a position, and nothing where there is neither", () => {
    const flat = account({ ...open, positions: { ...stored, size: 0n } }).account.groups;
    expect(flat).toMatchObject([{ equity: { value: 100n * WAD }, maintenance: { value: 0n }, positions: [] }]);
    expect(account({ ...open, positions: { ...stored, size: 0n, margin: 0n } }).account.groups).toEqual([]);
  });

  it("refuses a market the manager does not list, and one whose views would revert", () => {
    expect(() => account({ ...open, marketForKey: PAUSED })).toThrow(/no market the manager lists/);
    expect(() => account({ ...open, skewScale: 0n })).toThrow(InputError);
    expect(() => account(open).marketOf(PAUSED)).toThrow(InputError);
  });

  it("owes what its markets owe, and holds what they and the manager hold", () => {
    const answers = { allMarkets: [PAUSED, BASE], balanceOf: 4n, [`marketDebt ${BASE}`]: [9n, false] };
    const debts = { ...answers, marketDebt: [0n, false] };
    expect(custody([BASE], debts)).toEqual({ held: 12n, owed: { [BASE]: 9n } });
    expect(custody([], debts).owed).toEqual({ [BASE]: 9n });
    expect(() => custody([BASE], { ...debts, allMarkets: MANY })).toThrow(/lists 1025 things/);
    expect(() => custody([CLOSED], debts)).toThrow(/no market the manager lists/);
    expect(() => custody([BASE], { ...answers, marketDebt: [0n, true] })).toThrow(/invalid/);
    expect(() => custody([BASE], debts, { ...susd, address: BASE })).toThrow(/no margin of the protocol/);
  });
});
