/**
 * Holding one epoch of somebody's log against the one the own server has struck from its own chain data.
 */
import { InputError } from "../../src/core/errors.ts";
import { caip2 } from "../../src/core/ids.ts";
import {
  checkEpochPlace,
  differingMembers,
  type EpochBody,
  isBodyOf,
  nameOf,
  parseEpochBody,
  sentenceOf,
} from "../../src/core/log/compare-epochs.ts";
import type { Json } from "../../src/core/proof/canonical.ts";
import type { Leaf } from "../../src/core/proof/leaf.ts";
import type { EpochName, RemoteRecord } from "./remote-record.ts";

/** The two servers, and which epochs their operator wants cosigned without a comparison. */
export type EpochSources = { other: RemoteRecord; own: RemoteRecord; isUncompared(name: EpochName): boolean };

/** An epoch's leaf in a log, and the number of the chain's epoch before it there; null where it is the first. */
export type SealedEpoch = { index: number; leaf: Leaf; before: string | null };

/**
 * What holding it against the own one came to. `waits`: the own server cannot say yet. `unserved`: the other's server does
 * not serve what its log has sealed. `differs`: what is sealed is not what the own server has, which no later answer changes.
 */
export type EpochCheck =
  | { type: "agrees" | "uncompared"; epoch: EpochBody }
  | { type: "waits"; sentence: string }
  | { type: "unserved"; sentence: string }
  | { type: "differs"; sentence: string; theirs: EpochBody | null; ours: EpochBody | null };

const NONSENSE = "The own server does not answer as expected:";

/** @throws ProviderError when one of the servers does not answer. */
export async function checkEpoch(sealed: SealedEpoch, sources: EpochSources): Promise<EpochCheck> {
  const read = await readTheirs(sealed, sources);
  if ("type" in read) return read;
  const { epoch: theirs } = read;
  const number = BigInt(theirs.number);
  if (sealed.before !== null && number !== BigInt(sealed.before) + 1n) {
    const sentence = `${nameOf(theirs)} stands in the log after epoch ${sealed.before}; epochs follow one another.`;
    return { type: "differs", sentence, theirs, ours: null };
  }
  if (sources.isUncompared(theirs)) return { type: "uncompared", epoch: theirs };
  try {
    return await compare(theirs, { own: sources.own, isFirst: sealed.before === null });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { type: "waits", sentence: `${NONSENSE} ${error.message}` };
  }
}

async function readTheirs(
  { index, leaf }: SealedEpoch,
  { other }: EpochSources,
): Promise<EpochCheck | { epoch: EpochBody }> {
  let body: Json | null;
  try {
    body = await other.body(leaf.bodyHash);
    if (body !== null && !isBodyOf(leaf, body)) throw new InputError("It has another hash.");
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { type: "unserved", sentence: `What is served as the epoch of leaf ${index} is not it: ${error.message}` };
  }
  if (body === null) {
    return { type: "unserved", sentence: `The epoch of leaf ${index}, ${leaf.bodyHash}, is not served.` };
  }
  try {
    const epoch = parseEpochBody(body);
    checkEpochPlace(leaf, epoch);
    return { epoch };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const sentence = `What the log has sealed as the epoch of leaf ${index} is none: ${error.message}`;
    return { type: "differs", sentence, theirs: null, ours: null };
  }
}

async function compare(
  theirs: EpochBody,
  { own, isFirst }: { own: RemoteRecord; isFirst: boolean },
): Promise<EpochCheck> {
  const { chain, number } = theirs;
  const ourBody = await own.epoch({ chain, number });
  if (ourBody === null) return { type: "waits", sentence: await whyNot(own, theirs) };
  const ours = parseEpochBody(ourBody);
  if (isFirst && number !== "0") {
    const earlier = (BigInt(number) - 1n).toString();
    if ((await own.epoch({ chain, number: earlier })) !== null) {
      const sentence = `The log's first epoch of ${chain} is ${number}; the own server has epoch ${earlier}.`;
      return { type: "differs", sentence, theirs, ours: null };
    }
  }
  const members = differingMembers(theirs, ours);
  if (members.length === 0) return { type: "agrees", epoch: theirs };
  return { type: "differs", sentence: sentenceOf(theirs, { members, rule: null, leaf: null }), theirs, ours };
}

/**
 * Whether a log has passed over an epoch: it has gone on with a chain beyond the end of one that the own server has.
 * @param at how far the log has gone with the chain; `before` as in `SealedEpoch`.
 * @returns null where it has not, or the own server has not got there.
 * @throws ProviderError when the own server does not answer.
 */
export async function passedOver(
  at: { chain: string; block: bigint; before: string | null },
  { own, isUncompared }: EpochSources,
): Promise<Extract<EpochCheck, { type: "waits" | "unserved" }> | null> {
  const { chain, block, before } = at;
  const name = { chain, number: before === null ? "0" : (BigInt(before) + 1n).toString() };
  if (isUncompared(name)) return null;
  try {
    const body = await own.epoch(name);
    const toBlock = body === null ? null : parseEpochBody(body).toBlock;
    if (toBlock === null || block <= BigInt(toBlock)) return null;
    const sentence = `The log has gone on to block ${block} of ${chain} without epoch ${name.number}, which ended with block ${toBlock}.`;
    return { type: "unserved", sentence };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { type: "waits", sentence: `${NONSENSE} ${error.message}` };
  }
}

async function whyNot(own: RemoteRecord, theirs: EpochBody): Promise<string> {
  const chains = await own.chains();
  if (chains.includes(theirs.chain)) return `${nameOf(theirs)} is not sealed by the own server yet.`;
  return `${nameOf(theirs)} is not compared: the own server does not index ${theirs.chain}.`;
}

/**
 * Reads which epochs are to be cosigned without a comparison: a chain, or a range of its epochs.
 * @param texts each like `eip155:10` or `eip155:901/0-119`.
 * @throws InputError for any other text.
 */
export function parseUncompared(texts: readonly string[]): (name: EpochName) => boolean {
  const ranges = texts.map((text) => {
    const m = /^eip155:([1-9]\d{0,14})(?:\/(0|[1-9]\d{0,14})-(0|[1-9]\d{0,14}))?$/.exec(text);
    if (!m || (m[2] !== undefined && BigInt(m[2]) > BigInt(m[3] as string))) {
      throw new InputError(
        `--uncompared is "${text}"; expected a chain like eip155:10 or epochs like eip155:901/0-119.`,
      );
    }
    return { chain: caip2(Number(m[1])), from: m[2] ?? null, to: m[3] ?? null };
  });
  return ({ chain, number }) =>
    ranges.some(
      ({ chain: of, from, to }) =>
        of === chain &&
        (from === null || to === null || (BigInt(number) >= BigInt(from) && BigInt(number) <= BigInt(to))),
    );
}
