/**
 * What is told of an epoch that is not cosigned: a sentence, and a file with what it rests on.
 */
import * as z from "zod";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import { type EpochBody, sentenceOf } from "../../src/core/log/compare-epochs.ts";
import type { Head } from "../../src/core/log/head.ts";
import { plainText } from "../../src/core/log/json-difference.ts";
import { readInclusion, readOver } from "../../src/core/log/tile-reading.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { canonicalBytes } from "../../src/core/proof/canonical.ts";
import { type Explanation, explainDifference } from "./epoch-difference.ts";
import type { RemoteLog } from "./remote-log.ts";
import type { RemoteRecord } from "./remote-record.ts";
import type { Refused } from "./witness-state.ts";

/** Version of the file that tells a difference. */
const DIFFERENCE_VERSION = "plumbline-epoch-difference/1";

/** How long is spent on naming a difference. */
const WITHIN_MS = 300_000;

const detailsShape = z.object({
  theirs: z.record(z.string(), z.string()).nullable(),
  ours: z.record(z.string(), z.string()).nullable(),
});

/** Where to look: the log, the two servers, a head of the log that has the epoch's leaf, and the keys it opens with. */
export type RefusalSources = {
  log: RemoteLog;
  other: RemoteRecord;
  own: RemoteRecord;
  head: Head;
  logKeys: readonly string[];
};

/** The sentence, and the file: canonical JSON. `isPartial`: a server did not answer, and asking once more may tell more. */
export type Told = { sentence: string; evidence: Uint8Array; isPartial: boolean };

/** Names in what a refused epoch differs. What cannot be found out is said, and everything else told all the same. */
export async function tellRefusal(refused: Refused, sources: RefusalSources): Promise<Told> {
  const { theirs, ours } = detailsShape.parse(JSON.parse(refused.details ?? '{"theirs":null,"ours":null}'));
  const explained =
    theirs === null || ours === null ? null : await explain(theirs as EpochBody, ours as EpochBody, sources);
  const notes = explained?.notes ?? [];
  const sentence = plainText(
    explained === null ? refused.sentence : [sentenceOf(theirs as EpochBody, explained), ...notes].join(" "),
  );
  const { index } = refused;
  const { head, logKeys, log } = sources;
  const evidence = canonicalBytes({
    version: DIFFERENCE_VERSION,
    sentence,
    logKeys,
    checkpoint: head.note,
    index: index.toString(),
    proof: await inclusionOf(log, { index, size: head.size }),
    theirs,
    ours,
    members: explained?.members ?? [],
    rule: explained?.rule ?? null,
    leaf: explained?.leaf ?? null,
    notes,
  });
  return { sentence, evidence, isPartial: explained?.isPartial ?? false };
}

function explain(theirs: EpochBody, ours: EpochBody, { other, own }: RefusalSources): Promise<Explanation> {
  const now = () => performance.now();
  return explainDifference({ theirs, ours, other, own, now, untilMs: now() + WITHIN_MS });
}

/** Proof that the epoch's leaf is in the head; null where the log does not serve it. */
async function inclusionOf(log: RemoteLog, of: { index: number; size: number }): Promise<string[] | null> {
  try {
    return (await readOver(readInclusion(of), log.tiles)).map(toHex);
  } catch (error) {
    if (error instanceof InputError || error instanceof ProviderError) return null;
    throw error;
  }
}
