import type { Abi } from "viem";
import { synthetixPerpsV2MarketAbi } from "../../abis/synthetix-perps-v2-market.ts";
import { marketViews, views } from "../../src/adapters/synthetix-perps-v2/model.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { MarginGroup, MarginModel } from "../../src/core/margin-model.ts";
import type { ReplayClient } from "./replay.ts";

/** One figure that differs from the protocol's. */
export type Mismatch = {
  figure: string;
  market: string;
  account: string | null;
  block: bigint;
  ours: string;
  theirs: string;
};

export type Compared = { compared: number; nonZero: number; mismatches: Mismatch[] };

type Call = Parameters<ReplayClient["readContract"]>[0];
type Value = bigint | boolean;

/** Asks a view at the block; views that also say whether the price is invalid answer a pair, of which this is the first. */
type Ask = (functionName: string, args?: readonly unknown[]) => Promise<readonly Value[]>;

/**
 * Compares the model, folded up to and including `block`, with the protocol's own views at that block: every market's
 * totals and funding, and every account asked for. Figures handed to the rules are compared as well as
 * the raw views: equity after the views' floor, and whether it is at or below maintenance.
 */
export async function compareSynthetix(of: {
  client: Pick<ReplayClient, "getBlock" | "readContract">;
  model: MarginModel;
  block: bigint;
  /** Accounts to ask for in a market; default is everyone the model has seen. */
  accountsIn?: (market: string) => readonly Hex[];
}): Promise<Compared> {
  const { client, model, block, accountsIn = () => model.addresses() } = of;
  const { timestamp: now } = await client.getBlock({ blockNumber: block });
  const tally: Compared = { compared: 0, nonZero: 0, mismatches: [] };
  for (const market of model.marketKeys()) {
    const ask: Ask = async (functionName, args = []) => {
      const abi = synthetixPerpsV2MarketAbi as Abi;
      const call: Call = { address: market as Hex, abi, functionName, args, blockNumber: block };
      const answer = await client.readContract(call);
      return (
        Array.isArray(answer) ? answer : typeof answer === "object" ? Object.values(answer as object) : [answer]
      ).map((value) => (typeof value === "number" ? BigInt(value) : (value as Value)));
    };
    const note = noter(tally, { market, block });
    await compareMarket(model, { market, now, ask, note });
    for (const name of accountsIn(market)) {
      const account = name.toLowerCase() as Hex;
      await compareAccount(model, { market, account, now, ask, note });
    }
  }
  return tally;
}

type Note = (figure: string, account: string | null, ours: Value | null, theirs: Value | undefined) => void;

function noter(tally: Compared, at: { market: string; block: bigint }): Note {
  return (figure, account, ours, theirs) => {
    tally.compared++;
    if (theirs !== 0n && theirs !== false) tally.nonZero++;
    if (ours !== theirs) tally.mismatches.push({ figure, account, ...at, ours: `${ours}`, theirs: `${theirs}` });
  };
}

async function compareMarket(
  model: MarginModel,
  { market, now, ask, note }: { market: string; now: bigint; ask: Ask; note: Note },
): Promise<void> {
  const { market: held, moment } = marketViews(model, market, now);
  const [assetPrice, unrecorded] = [await ask("assetPrice"), await ask("unrecordedFunding")];
  note("assetPrice", null, moment.price, assetPrice[0]);
  note("assetPrice.invalid", null, !moment.valid, assetPrice[1]);
  note("unrecordedFunding", null, moment.terms?.funding.unrecorded ?? null, unrecorded[0]);
  note("currentFundingRate", null, moment.terms?.funding.rate ?? null, (await ask("currentFundingRate"))[0]);
  note(
    "currentFundingVelocity",
    null,
    moment.terms?.funding.velocity ?? null,
    (await ask("currentFundingVelocity"))[0],
  );
  note("fundingSequenceLength", null, held.funding.index + 1n, (await ask("fundingSequenceLength"))[0]);
  const figures = model.market(market, now);
  note("marketSize", null, figures.longSize + figures.shortSize, (await ask("marketSize"))[0]);
  note("marketSkew", null, figures.longSize - figures.shortSize, (await ask("marketSkew"))[0]);
}

async function compareAccount(
  model: MarginModel,
  of: { market: string; account: Hex; now: bigint; ask: Ask; note: Note },
): Promise<void> {
  const { market, account, now, ask } = of;
  const note = (figure: string, ours: Value | null, theirs: Value | undefined) =>
    of.note(figure, account, ours, theirs);
  const ours = views(model, market, { address: account, now });
  const answers = await Promise.all(ACCOUNT_VIEWS.map((view) => ask(view, [account])));
  const theirs = Object.fromEntries(ACCOUNT_VIEWS.map((view, i) => [view, answers[i]?.[0]]));
  for (const view of ACCOUNT_VIEWS) note(view, ours?.[view] ?? null, theirs[view]);

  const group = model.account(account, now).groups.find((g) => g.key === market);
  if (group && ours?.invalid === false) compareGroup(group, theirs, note);
}

const ACCOUNT_VIEWS = [
  "remainingMargin",
  "accessibleMargin",
  "liquidationPrice",
  "canLiquidate",
  "liquidationFee",
  "accruedFunding",
  "profitLoss",
  "notionalValue",
  "isFlagged",
] as const;

function compareGroup(
  group: MarginGroup,
  theirs: Record<string, Value | undefined>,
  note: (figure: string, ours: Value | null, theirs: Value | undefined) => void,
): void {
  const { equity, maintenance } = group;
  const position = group.positions[0];
  if (equity.value === null || maintenance.value === null) return;
  note("figures.equity", equity.value > 0n ? equity.value : 0n, theirs.remainingMargin);
  if (!position) return;
  note("figures.liquidatable", equity.value <= maintenance.value, theirs.canLiquidate);
  note("figures.liquidationPrice", position.liquidationPrice.value, theirs.liquidationPrice);
  note("figures.unrealizedPnl", position.unrealizedPnl.value, theirs.profitLoss);
  note("figures.fundingAccrued", position.fundingAccrued.value, theirs.accruedFunding);
}
