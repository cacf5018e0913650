import { encodeFunctionData } from "viem";
import { complianceGateAbi } from "../../abis/compliance-gate.ts";
import { InputError } from "../../src/core/errors.ts";
import { addressOf } from "../../src/core/ids.ts";
import { parseEpochFile } from "../../src/core/proof/epoch-file.ts";
import { gatePass, gateProofJson } from "../../src/core/proof/gate-pass.ts";
import type { AnchorHealth } from "../anchors/anchors.ts";
import type { CosignedHead } from "../cosigners/cosignatures.ts";
import { type App, sentence } from "./app.ts";
import { busy, type EpochSources, findWithLeaves, proofOf } from "./epochs.ts";
import type { ChainHealth } from "./health.ts";

/** What passes for gates are made from. */
export type GateSources = EpochSources & { anchors(): AnchorHealth[]; chains(): ChainHealth[] };

/** The largest head of this log that a chain's anchor has. */
type OnChain = { anchor: string; head: CosignedHead };

/** In place of an epoch's number: the newest that is under a head on the chain. */
const NEWEST = "newest";

/**
 * Adds `/v1/epochs/:chain/:number/gate`: what an account sends to a gate to show that a rule's condition is met for it, under
 * the largest head that the chain's anchor has. Where there is no such thing, a sentence says why.
 */
export function addGate(app: App, sources: GateSources): void {
  app.get("/v1/epochs/:chain/:number/gate", async (context) => {
    const { chain, number } = context.req.param();
    const { subject = "", rule: ruleId = "", protocol, maxAge } = context.req.query();
    addressOf(subject);
    if (ruleId === "") return sentence(context, 400, "Name a rule: rule=PERP-V2-MAINTENANCE.");
    if (maxAge !== undefined && !/^\d{1,15}$/.test(maxAge))
      return sentence(context, 400, "maxAge is a number of blocks.");
    const on = headOn(chain, sources);
    if (typeof on === "string") return sentence(context, 404, on);
    const named = number === NEWEST ? newestUnder(on, { chain, sources }) : number;
    if (named === null) return sentence(context, 404, `${saidOf(on)} No epoch of ${chain} is under it yet.`);
    const found = findWithLeaves(sources, { context, number: named });
    if (found instanceof Response) return found;
    if (found.row.index >= on.head.size) {
      return sentence(context, 404, `${saidOf(on)} Epoch ${named} of ${chain} is not under it yet.`);
    }
    const stale = staleness(found.epoch, { maxAge, chains: sources.chains() });
    if (stale !== null) return sentence(context, 404, stale);
    const bytes = await proofOf(sources, { found, subject, under: on.head });
    if (bytes === null) return busy(context);
    context.header("Cache-Control", "no-store");
    try {
      const pass = gatePass(parseEpochFile(bytes), { ruleId, ...(protocol !== undefined && { protocol }) });
      const calldata = encodeFunctionData({ abi: complianceGateAbi, functionName: "act", args: [pass.proof] });
      return context.json({ ...pass, anchor: on.anchor, proof: gateProofJson(pass.proof), calldata });
    } catch (error) {
      if (error instanceof InputError) return sentence(context, 404, error.message);
      throw error;
    }
  });
}

/** The head that the last publication was seen with, which may still be replaced, or the last that is there for good. */
function headOn(chain: string, { anchors, cosignatures }: GateSources): OnChain | string {
  const own = anchors().find(({ anchor }) => anchor.startsWith(`${chain}:`));
  if (own === undefined) return `The deployment has no anchor on ${chain}, so no gate there can see this log.`;
  const { anchor, published, anchored } = own;
  const sizes = [Number(published ?? 0), Number(anchored ?? 0)].sort((a, b) => b - a);
  const [head] = sizes.flatMap((size) => cosignatures.at(size) ?? []);
  return head === undefined ? `The anchor ${anchor} has no head of this log yet.` : { anchor, head };
}

function saidOf({ anchor, head }: OnChain): string {
  return `The last head that the anchor ${anchor} has is of ${head.size} leaves.`;
}

function newestUnder({ head }: OnChain, { chain, sources }: { chain: string; sources: GateSources }): string | null {
  const number = sources.store.read
    .prepare("SELECT max(number) FROM epoch WHERE chain = ? AND leaf_index < ? AND has_leaves = 1")
    .pluck()
    .get(chain, head.size) as number | null;
  return number === null ? null : String(number);
}

/** Why an epoch is too old for a gate that takes none older than `maxAge` blocks; null when it is not. */
function staleness(
  { chain, number, toBlock }: { chain: string; number: string; toBlock: string },
  { maxAge, chains }: { maxAge: string | undefined; chains: readonly ChainHealth[] },
): string | null {
  const head = chains.find((each) => each.chain === chain)?.indexerHead ?? null;
  if (maxAge === undefined || head === null) return null;
  const age = BigInt(head) - BigInt(toBlock);
  if (age <= BigInt(maxAge)) return null;
  return `Epoch ${number} of ${chain} ended ${age} blocks ago, at block ${toBlock}; a gate that takes ${maxAge} refuses it.`;
}
