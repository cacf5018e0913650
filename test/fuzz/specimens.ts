/**
 * Honest bundles of every kind, of two chains on which the protocols' own bytecode runs: what mutations start from.
 */
import type { PerpMarket, PerpV2 } from "../../devnet/perp-v2.ts";
import { perpActions, send } from "../../devnet/perp-v2-actions.ts";
import { setPrice } from "../../devnet/synthetix.ts";
import { actionsOf } from "../../devnet/synthetix-actions.ts";
import { deploymentHash } from "../../src/core/deployment.ts";
import { InvariantError } from "../../src/core/errors.ts";
import { WAD } from "../../src/core/fixed.ts";
import { assetId, caip10, type Hex, marketId, positionId, protocolId } from "../../src/core/ids.ts";
import type { TrustedBlock, TrustedWitnesses } from "../../src/core/proof/verify.ts";
import { type PerpSession, startPerpSession } from "../chain/perp-v2-session.ts";
import { type Session, startSession } from "../chain/synthetix-session.ts";
import { ANCHOR } from "../unit/proof/anchor-sample.ts";
import { RULEBOOK, SIGNER } from "../unit/proof/sample.ts";
import {
  type At,
  addAuthentic,
  addBundle,
  addFigure,
  addProven,
  type Block,
  blockAt,
  COSIGNERS,
  type Specimen,
  type Workshop,
} from "./maker.ts";

export type Specimens = {
  specimens: readonly Specimen[];
  /** The hashes that a reader trusts: of their blocks, and of their rulebook and deployment. */
  known: { blocks: readonly TrustedBlock[]; rulebooks: readonly Hex[]; deployments: readonly Hex[] };
  /** Whom else a reader trusts who asks about the log: its key, its witnesses, all of which must have cosigned, its anchor. */
  log: { logKeys: readonly string[]; witnesses: TrustedWitnesses; anchors: readonly string[] };
};

const PERP_V2 = protocolId(901, "perp-v2");
const SYNTHETIX = protocolId(902, "synthetix-perps-v2");

/** Starts both chains, makes the bundles, and stops the chains. The same seed gives the same bundles. */
export async function makeSpecimens(seed = 4): Promise<Specimens> {
  const [perp, synthetix] = await Promise.all([startPerpSession(seed), startSession(seed)]);
  try {
    for (let i = 0; i < 8; i++) await perp.step();
    const deployment = { version: 1, name: "fuzz", chains: [perp.chain, synthetix.chain] } as const;
    const to: Workshop = { deployment, specimens: [], blocks: new Map() };
    await ofPerp(perp, to);
    await ofSynthetix(synthetix, to);
    const known = {
      blocks: [...to.blocks.values()],
      rulebooks: [RULEBOOK.hash],
      deployments: [deploymentHash(deployment)],
    };
    const witnesses = { keys: COSIGNERS.map(({ verifierKey }) => verifierKey), threshold: COSIGNERS.length };
    const log = { logKeys: [SIGNER.verifierKey], witnesses, anchors: [ANCHOR] };
    return { specimens: to.specimens, known, log };
  } finally {
    await perp.anvil.stop();
    await synthetix.anvil.stop();
  }
}

async function ofPerp({ kit, chain, perp, everyone, anvil }: PerpSession, to: Workshop): Promise<void> {
  const at: At = { kit, url: anvil.url, chain };
  await openingOf(at, { to, perp, who: everyone.at(-2) as Hex });
  const [one, other] = await holdersIn({ kit, perp, everyone });
  const [earlier, end] = await aroundEndOfEpoch(at);
  const held = (who: Hex) => ({ protocol: PERP_V2, subject: caip10(901, who), account: caip10(901, who) });
  const maintained = (who: Hex) => ({
    about: { ...held(who), metric: "ACC.MARGIN_RATIO" },
    by: { ruleId: "PERP-V2-MAINTENANCE", testPoint: "end" } as const,
  });
  await addProven(to, { name: "perp maintenance", at, block: end, ...maintained(one) });
  await addProven(to, { name: "perp maintenance of another", at, block: end, ...maintained(other) });
  await addProven(to, { name: "perp maintenance earlier", at, block: earlier, ...maintained(one) });
  await addProven(to, {
    ...{ name: "perp close-out", at, block: end },
    about: { ...held(one), metric: "ACC.CLOSEOUT_RATIO" },
    by: { ruleId: "EU-CFD-CLOSEOUT-50", testPoint: "end" },
    verdict: { outcome: "not_applicable", profile: "EU_PROFESSIONAL", missing: [] },
  });
  const creditors = everyone.map((who) => who.toLowerCase() as Hex);
  await addProven(to, { ...custodyOf(at, { end, protocol: PERP_V2 }), name: "perp custody", creditors });
  await addFigure(to, { name: "perp figure", at, block: end, about: { ...held(one), metric: "ACC.NET_EQUITY" } });
}

/** A trade of the session's keeper, who has collateral to spare. */
async function openingOf(at: At, { to, perp, who }: { to: Workshop; perp: PerpV2; who: Hex }): Promise<void> {
  const { kit } = at;
  const market = perp.markets[0] as PerpMarket;
  await send(kit, perpActions(perp).openPosition(who, market, { short: false, exactInput: true, amount: 100n * WAD }));
  const subject = positionId(marketId(901, "perp-v2", market.base.address), who, 1);
  await addAuthentic(to, {
    ...{ name: "perp opening", at, block: await blockAt(at, await kit.blockNumber()), ruleId: "EU-CFD-LEV-CRYPTO" },
    about: { protocol: PERP_V2, subject, account: caip10(901, who), metric: "POS.LEVERAGE_OPEN" },
    inputs: { collateral: (1_000n * WAD).toString(), notional: (100n * WAD).toString() },
  });
}

async function ofSynthetix({ kit, chain, synthetix, traders, anvil }: Session, to: Workshop): Promise<void> {
  const at: At = { kit, url: anvil.url, chain };
  const act = actionsOf(synthetix);
  const [one, other] = traders as [Hex, Hex];
  const { proxy } = synthetix.markets.ETH;
  const market = marketId(902, "synthetix-perps-v2", proxy.address);
  const held = (who: Hex, metric: string) => ({
    ...{ protocol: SYNTHETIX, subject: positionId(market, who, 1), account: caip10(902, who), metric },
  });
  const maintained = (who: Hex) => ({
    about: held(who, "POS.MARGIN_RATIO"),
    by: { ruleId: "SYNTHETIX-PERPS-V2-MAINTENANCE", testPoint: "end" } as const,
  });
  await setPrice(synthetix, "ETH/USD", 2_000_00000000n);
  // In one block, so that a receipt comes before the one that is proven.
  await kit.batch(async () => {
    for (const who of [other, one]) await act.modifyPosition("ETH", who, WAD / 2n);
  });
  const opened = await blockAt(at, await kit.blockNumber());
  const { margin } = await kit.read(proxy, "positions", [one]);
  const opening = { collateral: margin.toString(), notional: (1_000n * WAD).toString() };
  const ruleId = "EU-CFD-LEV-CRYPTO";
  const about = held(one, "POS.LEVERAGE_OPEN");
  await addAuthentic(to, { name: "synthetix opening", at, block: opened, about, ruleId, inputs: opening });
  addBundle(to, {
    ...{ name: "synthetix opening, attested", at, block: opened, about, inputs: opening, evidence: null },
    by: { ruleId, testPoint: "log:3" },
    verdict: { outcome: "indeterminate", profile: "EU_RETAIL", missing: ["clientClass"] },
  });
  const [earlier, end] = await aroundEndOfEpoch(at);
  await addProven(to, { name: "synthetix maintenance", at, block: end, ...maintained(one) });
  await addProven(to, { name: "synthetix maintenance of another", at, block: end, ...maintained(other) });
  await addProven(to, { name: "synthetix maintenance earlier", at, block: earlier, ...maintained(one) });
  await addProven(to, { ...custodyOf(at, { end, protocol: SYNTHETIX }), name: "synthetix custody" });
  await addFigure(to, { name: "synthetix figure", at, block: end, about: held(one, "POS.EQUITY_RATE") });
}

/** Coverage of the settlement asset at the end of an epoch. */
function custodyOf(at: At, { end, protocol }: { end: Block; protocol: string }) {
  const { chainId, protocols, epochBlocks } = at.chain;
  const subject = assetId(chainId, protocols[0]?.settlement.address ?? "");
  const testPoint = `epoch:${Math.floor(end.number / epochBlocks)}` as const;
  return {
    ...{ at, block: end, about: { protocol, subject, account: null, metric: "AST.CUSTODY_COVERAGE" } },
    by: { ruleId: "COLLATERAL-CUSTODY", testPoint },
  };
}

/** Mines to the last block of an epoch. @returns the block before it, and it. */
async function aroundEndOfEpoch(at: At): Promise<[Block, Block]> {
  const { kit, chain } = at;
  do await kit.mine();
  while ((Number(await kit.blockNumber()) + 1) % chain.epochBlocks !== 0);
  const end = await kit.blockNumber();
  return [await blockAt(at, end - 1n), await blockAt(at, end)];
}

/** Two accounts that have positions. */
async function holdersIn(given: Pick<PerpSession, "kit" | "perp" | "everyone">): Promise<[Hex, Hex]> {
  const { kit, perp, everyone } = given;
  const holders: Hex[] = [];
  for (const who of everyone.toReversed()) {
    const required = await kit.read(perp.contracts.AccountBalance, "getMarginRequirementForLiquidation", [who]);
    if (required > 0n) holders.push(who.toLowerCase() as Hex);
  }
  const [one, other] = holders;
  if (one === undefined || other === undefined) throw new InvariantError("Fewer than two accounts have positions.");
  return [one, other];
}
