import type { Context } from "hono";
import { EPOCH_TREES, type Epoch, type EpochTree } from "../../src/core/assessment.ts";
import { InvariantError } from "../../src/core/errors.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import type { Json } from "../../src/core/proof/canonical.ts";
import { makeEpochFile } from "../../src/core/proof/epoch-file.ts";
import { scopesOf } from "../../src/core/proof/epoch-scopes.ts";
import { largestHead } from "../cosigners/bundle-head.ts";
import type { Cosignatures, CosignedHead } from "../cosigners/cosignatures.ts";
import { type EpochKeeper, momentOf } from "../epochs/keeper.ts";
import type { LeafRow } from "../ledger/entry.ts";
import type { Ledger, SignedHead } from "../ledger/ledger.ts";
import type { Store } from "../store/database.ts";
import { type App, type AppEnv, sentence } from "./app.ts";

/** What epochs are served from. */
export type EpochSources = { store: Store; ledger: Ledger; epochs: EpochKeeper; cosignatures: Cosignatures };

/** A sealed epoch in the log, proven in its signed head. */
export type SealedEpoch = {
  epoch: Epoch;
  row: LeafRow;
  proof: readonly Uint8Array[];
  head: SignedHead;
  hasLeaves: boolean;
};

/** Leaves of a sealed epoch never change. */
const FOR_EVER = "public, max-age=31536000, immutable";
const MAX_EPOCHS = 100;
const MAX_LEAVES = 1_000;

/**
 * Adds `/v1/epochs`: the sealed epochs, what each commits to leaf by leaf, and the proof of all it says of a subject, under
 * the largest head that is cosigned.
 */
export function addEpochs(app: App, sources: EpochSources): void {
  app.get("/v1/epochs", (context) => {
    const { chain, before = String(Number.MAX_SAFE_INTEGER), limit = "20" } = context.req.query();
    if (chain === undefined) return sentence(context, 400, "Name a chain: chain=eip155:1.");
    if (!isNatural(before)) return sentence(context, 400, "before is the number of an epoch.");
    if (!isNatural(limit) || Number(limit) < 1 || Number(limit) > MAX_EPOCHS) {
      return sentence(context, 400, `limit is 1 to ${MAX_EPOCHS}.`);
    }
    return context.json({ epochs: newest(sources, { chain, before: Number(before), limit: Number(limit) }) });
  });

  app.get("/v1/epochs/:chain/:number", (context) => {
    const found = find(sources, { context });
    if (found instanceof Response) return found;
    const { epoch, row, proof, head } = found;
    return context.json({ epoch, index: String(row.index), proof: proof.map(toHex), checkpoint: head.note });
  });

  app.get("/v1/epochs/:chain/:number/leaves", (context) => {
    const found = findWithLeaves(sources, { context });
    if (found instanceof Response) return found;
    const { tree = "", after = "", limit = String(MAX_LEAVES) } = context.req.query();
    if (!isTree(tree)) return sentence(context, 400, `tree is one of ${EPOCH_TREES.join(", ")}.`);
    if (!isNatural(limit) || Number(limit) < 1 || Number(limit) > MAX_LEAVES) {
      return sentence(context, 400, `limit is 1 to ${MAX_LEAVES}.`);
    }
    const page = { tree, after, limit: Number(limit) };
    const leaves = sources.epochs
      .page(momentOf(found.epoch), page)
      .map(({ key, state }) => ({ key, state: JSON.parse(state) as Json }));
    const next = leaves.length < page.limit ? null : (leaves.at(-1)?.key ?? null);
    context.header("Cache-Control", FOR_EVER);
    return context.json({ leaves, next });
  });

  app.get("/v1/epochs/:chain/:number/proof", async (context) => {
    const found = findWithLeaves(sources, { context });
    if (found instanceof Response) return found;
    const under = largestHead(found.row.index + 1, { last: found.head, cosignatures: sources.cosignatures });
    const bytes = await proofOf(sources, { found, subject: context.req.query("subject") ?? "", under });
    if (bytes === null) return busy(context);
    context.header("Cache-Control", "no-store");
    context.header("Content-Type", "application/json");
    return context.body(bytes.slice().buffer);
  });
}

/** What is said where too many epochs are asked for. */
export function busy(context: Context): Response {
  context.header("Retry-After", "5");
  return sentence(context, 503, "Too many epochs are being asked for at once; try again.");
}

/**
 * The epoch proof of a subject under a head that has the epoch; null where too many are asked for just now.
 * @throws InputError for what is no subject of the epoch.
 */
export function proofOf(
  sources: EpochSources,
  { found, subject: asked, under }: { found: SealedEpoch; subject: string; under: CosignedHead },
): Promise<Uint8Array | null> {
  const { epoch, row } = found;
  const subject = asked.toLowerCase();
  const deployment = deploymentOf(sources, epoch);
  // Only here is a refusal the asker's: what is made of our own leaves below must hold.
  scopesOf(subject, { chain: epoch.chain, deployment });
  const { size, note: checkpoint } = under;
  const placed = { body: epoch, index: row.index, proof: sources.ledger.tree.inclusionProof(row.index, size) };
  return sources.epochs.read(momentOf(epoch), (view) => {
    try {
      return makeEpochFile({ ...view, subject, checkpoint, deployment, epoch: placed });
    } catch (error) {
      throw new InvariantError(`No proof can be made of what is stored of epoch ${epoch.number} of ${epoch.chain}.`, {
        cause: error,
      });
    }
  });
}

function newest(
  { store, ledger }: EpochSources,
  { chain, before, limit }: { chain: string; before: number; limit: number },
): { epoch: Epoch; index: string }[] {
  const rows = store.read
    .prepare(
      `SELECT leaf.body AS body, idx FROM epoch JOIN leaf ON idx = leaf_index
       WHERE epoch.chain = ? AND number < ? AND leaf_index < ? ORDER BY number DESC LIMIT ?`,
    )
    .all(chain, before, ledger.head()?.size ?? 0, limit) as { body: string; idx: number }[];
  return rows.map(({ body, idx }) => ({ epoch: JSON.parse(body) as Epoch, index: String(idx) }));
}

type Asked = { context: Context<AppEnv, "/v1/epochs/:chain/:number">; number?: string };

/** The sealed epoch that a path names, or that of the number that is given instead, or why there is none. */
function find({ store, ledger }: EpochSources, { context, ...asked }: Asked): SealedEpoch | Response {
  const { chain, number } = { ...context.req.param(), ...asked };
  if (!isNatural(number)) return sentence(context, 400, "An epoch has a number of decimal digits.");
  const row = store.read
    .prepare(
      `SELECT ref_id AS refId, has_leaves AS hasLeaves FROM epoch JOIN leaf ON idx = leaf_index
       WHERE epoch.chain = ? AND number = ?`,
    )
    .get(chain, Number(number)) as { refId: string; hasLeaves: number } | undefined;
  const found = row === undefined ? null : ledger.find(row.refId);
  if (row === undefined || found === null) {
    return sentence(context, 404, `Epoch ${number} of ${chain} is not sealed here.`);
  }
  return { ...found, epoch: JSON.parse(found.row.body) as Epoch, hasLeaves: row.hasLeaves === 1 };
}

/** The same, of an epoch whose leaves are kept. */
export function findWithLeaves(sources: EpochSources, asked: Asked): SealedEpoch | Response {
  const found = find(sources, asked);
  if (found instanceof Response || found.hasLeaves) return found;
  const { number, chain } = found.epoch;
  return sentence(
    asked.context,
    404,
    `Epoch ${number} of ${chain} was sealed before leaves were kept; only its roots are in the log.`,
  );
}

/** The deployment an epoch names, out of the log. */
function deploymentOf({ ledger }: EpochSources, { deploymentHash }: Epoch): Json {
  const found = ledger.find(deploymentHash.slice(2));
  if (found === null) throw new InvariantError(`The deployment ${deploymentHash} of an epoch is not in the log.`);
  return JSON.parse(found.row.body) as Json;
}

function isNatural(text: string): boolean {
  return /^(0|[1-9]\d{0,15})$/.test(text) && Number.isSafeInteger(Number(text));
}

function isTree(text: string): text is EpochTree {
  return (EPOCH_TREES as readonly string[]).includes(text);
}
