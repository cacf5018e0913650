import { type Abi, BaseError, ContractFunctionRevertedError } from "viem";
import { accountBalanceAbi } from "../../abis/perp-v2-account-balance.ts";
import { baseTokenAbi } from "../../abis/perp-v2-base-token.ts";
import { clearingHouseAbi } from "../../abis/perp-v2-clearing-house.ts";
import { exchangeAbi } from "../../abis/perp-v2-exchange.ts";
import { vaultAbi } from "../../abis/perp-v2-vault.ts";
import { uniswapV3PoolAbi } from "../../abis/uniswap-v3-pool.ts";
import type { PerpV2Model } from "../../src/adapters/perp-v2/model.ts";
import { contractsOf } from "../../src/adapters/perp-v2/sources.ts";
import { abs } from "../../src/core/fixed.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { ChainDeployment, ProtocolDeployment } from "../../src/core/margin-model.ts";
import type { ReplayClient } from "./replay.ts";
import type { Compared } from "./synthetix.ts";

type Answer = bigint | readonly bigint[] | null;

/** Asks a view of a contract at the block; `null` when it reverts. */
type Ask = (address: Hex, abi: unknown, functionName: string, args?: readonly unknown[]) => Promise<Answer>;

type Note = (figure: string, ours: bigint | boolean | null, theirs: Answer | boolean | undefined) => void;

type Scene = {
  model: PerpV2Model;
  config: ProtocolDeployment;
  contracts: ReturnType<typeof contractsOf>;
  now: bigint;
  ask: Ask;
  /** Views only the adapter's own test asks for, beside equity and requirement. */
  everything: boolean;
};

/**
 * Compares the model, folded up to and including `block`, with the protocol's own views at that block: equity and
 * requirement of every account, and with `everything` what they are made of and every market's prices.
 */
export async function comparePerpV2(of: {
  client: Pick<ReplayClient, "getBlock" | "readContract">;
  deployment: ChainDeployment;
  model: PerpV2Model;
  block: bigint;
  /** Accounts to ask for; default is everyone the model has seen. */
  accounts?: readonly Hex[];
  everything?: boolean;
}): Promise<Compared> {
  const { client, deployment, model, block, everything = false } = of;
  const config = deployment.protocols.find((p) => p.protocol === "perp-v2") as ProtocolDeployment;
  const { timestamp: now } = await client.getBlock({ blockNumber: block });
  const tally: Compared = { compared: 0, nonZero: 0, mismatches: [] };
  const scene: Scene = { model, config, contracts: contractsOf(config), now, ask: asker(client, block), everything };
  const noteFor = (market: string, account: Hex | null): Note => {
    return (figure, ours, theirs) => {
      tally.compared++;
      if (theirs !== 0n && theirs !== false && theirs !== null) tally.nonZero++;
      if (ours === theirs) return;
      tally.mismatches.push({ figure, market, account, block, ours: `${ours}`, theirs: `${theirs}` });
    };
  };
  if (everything) for (const key of model.marketKeys()) await compareMarket(scene, key, noteFor(key, null));
  for (const account of of.accounts ?? model.addresses()) {
    const address = account.toLowerCase() as Hex;
    await compareAccount(scene, address, (market) => noteFor(market, address));
  }
  return tally;
}

function asker(client: Pick<ReplayClient, "readContract">, block: bigint): Ask {
  return async (address, abi, functionName, args = []) => {
    try {
      const answer = await client.readContract({ address, abi: abi as Abi, functionName, args, blockNumber: block });
      return (typeof answer === "number" ? BigInt(answer) : answer) as Answer;
    } catch (error) {
      const reverted = error instanceof BaseError && error.walk((e) => e instanceof ContractFunctionRevertedError);
      if (reverted) return null;
      throw error;
    }
  };
}

async function compareMarket({ model, contracts, now, ask }: Scene, key: string, note: Note): Promise<void> {
  const figures = model.market(key, now);
  const base = key as Hex;
  const state = model.marketState(key) as Record<string, string>;
  const [mark, index, slot] = await Promise.all([
    ask(contracts.AccountBalance, accountBalanceAbi, "getMarkPrice", [base]),
    ask(base, baseTokenAbi, "getIndexPrice", [0n]),
    ask(state.pool as Hex, uniswapV3PoolAbi, "slot0"),
  ]);
  // A paused market's positions are valued at the index price of its pause, a closed one's at the closing price.
  if (figures.status === "OPEN") note("getMarkPrice", figures.markPrice.value, mark);
  if (figures.status === "CLOSED")
    note("getClosedPrice", figures.markPrice.value, await ask(base, baseTokenAbi, "getClosedPrice"));
  note("getIndexPrice", figures.indexPrice.value, index);
  note("slot0.sqrtPriceX96", BigInt(state.sqrtPriceX96 ?? 0), (slot as readonly bigint[] | null)?.[0]);
}

async function compareAccount(scene: Scene, account: Hex, noteIn: (market: string) => Note): Promise<void> {
  const { model, contracts, now, ask } = scene;
  const note = noteIn("");
  const group = model.account(account, now).groups[0];
  const [equity, requirement] = await Promise.all([
    ask(contracts.ClearingHouse, clearingHouseAbi, "getAccountValue", [account]),
    ask(contracts.AccountBalance, accountBalanceAbi, "getMarginRequirementForLiquidation", [account]),
  ]);
  const ours = { equity: group ? group.equity.value : 0n, requirement: group ? group.maintenance.value : 0n };
  note("getAccountValue", ours.equity, equity);
  note("getMarginRequirementForLiquidation", ours.requirement, requirement);
  if (ours.equity !== null && ours.requirement !== null) {
    note("liquidatable", ours.equity < ours.requirement, (equity as bigint) < (requirement as bigint));
  }
  if (!scene.everything) return;
  await compareMoney(scene, account, note);
  for (const key of model.marketKeys()) await comparePosition(scene, { account, key, note: noteIn(key) });
}

async function compareMoney(scene: Scene, account: Hex, note: Note): Promise<void> {
  const { model, config, contracts, now, ask } = scene;
  const valued = model.valued(account, now);
  const sum = (pick: (p: (typeof valued)[number]) => bigint | null): bigint | null =>
    valued.reduce<bigint | null>((total, p) => (total === null ? null : plus(total, pick(p))), 0n);
  const state = model.accountState(account) as { balances: Record<string, string>; owed: string };
  const tokens = [config.settlement, ...(config.collateral ?? [])].map((t) => t.address.toLowerCase());
  const [funding, pnl, absolute, ...balances] = await Promise.all([
    ask(contracts.Exchange, exchangeAbi, "getAllPendingFundingPayment", [account]),
    ask(contracts.AccountBalance, accountBalanceAbi, "getPnlAndPendingFee", [account]),
    ask(contracts.AccountBalance, accountBalanceAbi, "getTotalAbsPositionValue", [account]),
    ...tokens.map((token) => ask(contracts.Vault, vaultAbi, "getBalanceByToken", [account, token])),
  ]);
  const [owed, unrealized, fee] = (pnl ?? []) as readonly bigint[];
  note(
    "getAllPendingFundingPayment",
    sum((p) => p.funding),
    funding,
  );
  note("owedRealizedPnl", BigInt(state.owed), owed);
  note(
    "unrealizedPnl",
    sum((p) => (p.value === null ? null : p.value + p.notional)),
    unrealized,
  );
  note(
    "pendingFee",
    sum((p) => p.pendingFee),
    fee,
  );
  note(
    "getTotalAbsPositionValue",
    sum((p) => (p.value === null ? null : abs(p.value))),
    absolute,
  );
  for (const [i, token] of tokens.entries()) {
    note(`getBalanceByToken(${token})`, BigInt(state.balances[token] ?? 0), balances[i]);
  }
}

async function comparePosition(
  { model, contracts, now, ask }: Scene,
  { account, key, note }: { account: Hex; key: string; note: Note },
): Promise<void> {
  const position = model.account(account, now).groups[0]?.positions.find((p) => p.market === key);
  const valued = model.valued(account, now).find((p) => p.market.key === key);
  const views = ["getTakerPositionSize", "getTotalPositionSize", "getTakerOpenNotional"];
  const [taker, total, notional] = await Promise.all(
    views.map((view) => ask(contracts.AccountBalance, accountBalanceAbi, view, [account, key])),
  );
  note("getTakerPositionSize", position?.takerSize ?? 0n, taker);
  note("getTotalPositionSize", position?.size ?? 0n, total);
  note("getTakerOpenNotional", valued?.position.openNotional ?? 0n, notional);
}

function plus(total: bigint, more: bigint | null): bigint | null {
  return more === null ? null : total + more;
}
