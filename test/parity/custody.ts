/** What is read at an epoch's end, and custody compared with the protocols' own views. */
import type { Abi } from "viem";
import { erc20Abi } from "../../abis/erc20.ts";
import { accountBalanceAbi } from "../../abis/perp-v2-account-balance.ts";
import { vaultAbi } from "../../abis/perp-v2-vault.ts";
import { synthetixPerpsV2MarketAbi } from "../../abis/synthetix-perps-v2-market.ts";
import { adapterOf } from "../../src/adapters/catalogue.ts";
import { contractsOf } from "../../src/adapters/perp-v2/sources.ts";
import type { Custody } from "../../src/core/custody.ts";
import { InvariantError } from "../../src/core/errors.ts";
import type { Reading } from "../../src/core/event.ts";
import { abs } from "../../src/core/fixed.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { ChainDeployment, MarginModel, ProtocolDeployment } from "../../src/core/margin-model.ts";
import type { ReplayClient } from "./replay.ts";
import type { Compared } from "./synthetix.ts";

type Client = Pick<ReplayClient, "getBlock" | "readContract">;

/** Where custody is compared: a model folded up to and including `block`. */
export type CustodyScene = { client: Client; chain: ChainDeployment; model: MarginModel; block: bigint };

/** Answers what the model asks at an epoch's end, as of the block. */
export async function answerEpoch({ client, chain, model, block }: CustodyScene): Promise<void> {
  const { readAbis } = adapterOf(model.protocol);
  const at = await client.getBlock({ blockNumber: block });
  for (const request of model.epochReads()) {
    const { key, address, functionName, args } = request;
    const answer = await client.readContract({ ...request, abi: readAbis[request.abi] as Abi, blockNumber: block });
    const result = (Array.isArray(answer) ? answer : [answer]) as NonNullable<Reading["result"]>;
    const place = { id: key, chainId: chain.chainId, block: at, logIndex: 0, protocol: model.protocol };
    model.applyReading({ ...place, key, address, functionName, args, result });
  }
}

/** Perp v2: every token's balance in the vault, and what the vault and `AccountBalance` say of every trader. */
export async function comparePerpCustody(scene: CustodyScene): Promise<Compared> {
  const { model } = scene;
  const config = configOf(scene);
  const { Vault, AccountBalance, InsuranceFund } = contractsOf(config);
  const tally: Compared = { compared: 0, nonZero: 0, mismatches: [] };
  const ask = asker(scene);
  for (const token of [config.settlement, ...(config.collateral ?? [])]) {
    const unit = 10n ** BigInt(18 - token.decimals);
    const custody = known(model, token.address);
    const held = (await ask(token.address, erc20Abi, "balanceOf", [Vault])) as bigint;
    note(tally, scene, { figure: "held", of: token.symbol, ours: custody.held, theirs: held * unit });
    const named = custody.owed as Readonly<Record<string, bigint>>;
    const traders = model.addresses().filter((address) => address !== InsuranceFund);
    for (const trader of traders) {
      const balance = (await ask(Vault, vaultAbi, "getBalanceByToken", [trader, token.address])) as bigint;
      const [realized] = (await ask(AccountBalance, accountBalanceAbi, "getPnlAndPendingFee", [trader])) as [bigint];
      const claim = balance * unit + (token === config.settlement ? realized : 0n);
      const theirs = claim > 0n ? claim : 0n;
      note(tally, scene, { figure: "owed", of: `${token.symbol} ${trader}`, ours: named[trader] ?? 0n, theirs });
    }
    for (const creditor of Object.keys(named)) {
      if (!traders.includes(creditor as Hex)) throw new InvariantError(`${creditor} is no trader.`);
    }
  }
  return tally;
}

/**
 * Synthetix: sUSD of manager and markets, and each market's `marketDebt`. `drift` is how far a debt is from the sum over
 * all accounts' margin, profit and funding.
 */
export async function compareSynthetixCustody(scene: CustodyScene): Promise<Compared & { drift: bigint }> {
  const { client, model, block } = scene;
  const { settlement, contracts } = configOf(scene);
  const tally: Compared & { drift: bigint } = { compared: 0, nonZero: 0, mismatches: [], drift: 0n };
  const { timestamp: now } = await client.getBlock({ blockNumber: block });
  const ask = asker(scene);
  const markets = model.marketKeys() as readonly Hex[];
  const debts = await Promise.all(markets.map((market) => ask(market, synthetixPerpsV2MarketAbi, "marketDebt")));
  const { custody, reason } = model.custody(settlement.address);
  const isInvalid = debts.some((debt) => (debt as [bigint, boolean])[1]);
  if (custody === null || isInvalid) {
    const [ours, theirs] = [reason === null ? 0n : 1n, isInvalid ? 1n : 0n];
    note(tally, scene, { figure: "unknown", of: settlement.symbol, ours, theirs });
    return tally;
  }
  let held = 0n;
  for (const holder of [contracts.FuturesMarketManager, ...markets]) {
    held += (await ask(settlement.address, erc20Abi, "balanceOf", [holder])) as bigint;
  }
  note(tally, scene, { figure: "held", of: settlement.symbol, ours: custody.held, theirs: held });
  const named = custody.owed as Readonly<Record<string, bigint>>;
  for (const [i, market] of markets.entries()) {
    const [debt] = debts[i] as [bigint, boolean];
    note(tally, scene, { figure: "marketDebt", of: market, ours: named[market] ?? 0n, theirs: debt });
    const drift = abs(debt - sumIn(model, market, now));
    if (debt > 0n && drift > tally.drift) tally.drift = drift;
  }
  return tally;
}

/** Margin, profit and funding of everybody in a market. */
function sumIn(model: MarginModel, market: string, now: bigint): bigint {
  let sum = 0n;
  for (const address of model.addresses()) {
    const group = model.account(address, now).groups.find(({ key }) => key === market);
    if (group === undefined) continue;
    if (group.equity.value === null) throw new InvariantError(`The equity of ${address} in ${market} is unknown.`);
    sum += group.equity.value;
  }
  return sum;
}

function known(model: MarginModel, asset: Hex): Custody {
  const { custody, reason } = model.custody(asset);
  if (custody === null) throw new InvariantError(`The custody of ${asset} is unknown: ${reason}.`);
  return custody;
}

function configOf({ chain, model }: CustodyScene): ProtocolDeployment {
  return chain.protocols.find(({ protocol }) => protocol === model.protocol) as ProtocolDeployment;
}

function asker({ client, block }: CustodyScene) {
  return (address: Hex | undefined, abi: unknown, functionName: string, args: readonly unknown[] = []) =>
    client.readContract({ address: address as Hex, abi: abi as Abi, functionName, args, blockNumber: block });
}

function note(
  tally: Compared,
  { block }: CustodyScene,
  { figure, of, ours, theirs }: { figure: string; of: string; ours: bigint; theirs: bigint },
): void {
  tally.compared++;
  if (theirs !== 0n) tally.nonZero++;
  if (ours === theirs) return;
  tally.mismatches.push({ figure, market: of, account: null, block, ours: `${ours}`, theirs: `${theirs}` });
}
