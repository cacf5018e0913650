/**
 * What two operators' epochs of one chain and number say of each other: whether they are one epoch, and if not, which
 * member differs, which rule, and which account.
 */
import * as z from "zod";
import { EPOCH_TREES, type EpochTree } from "../assessment.ts";
import { InputError } from "../errors.ts";
import { caip2, type Hex } from "../ids.ts";
import { compareKeys } from "../order.ts";
import type { Json } from "../proof/canonical.ts";
import { bodyHash, type Leaf } from "../proof/leaf.ts";
import { readShape } from "../proof/shapes.ts";
import { isWhole, rulebookHash } from "../rules/digest.ts";
import { type Difference, firstDifference, printable } from "./json-difference.ts";

/** An epoch as a log states it. An epoch of another kernel may have other members; all of them are text. */
export type EpochBody = Readonly<
  Record<"chain" | "number" | "toBlock" | "rulebookHash" | "deploymentHash", string> & Record<string, string>
>;

/** A leaf of an epoch's tree as it is served. */
export type EpochState = { key: string; state: Json };

/** A leaf that two epochs do not have alike, and where in it they differ; `path` is empty where one has no such leaf. */
export type LeafDifference = Difference & { tree: EpochTree; key: string };

/** Members in the order in which a difference is told: what it was worked out from before what came out. */
const MEMBERS = [
  ...["chain", "number", "fromBlock", "toBlock", "blockHash", "kernel", "deploymentHash", "rulebookHash"],
  ...EPOCH_TREES.flatMap((tree) => [`${tree}Root`, `${tree}Count`]),
];
const MAX_MEMBERS = 64;

const natural = z.string().regex(/^(0|[1-9]\d{0,14})$/);
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const bodyShape = z
  .object({
    chain: z.string().regex(/^eip155:[1-9]\d{0,14}$/),
    number: natural,
    toBlock: natural,
    blockHash: hash,
    rulebookHash: hash,
    deploymentHash: hash,
  })
  .catchall(z.string().max(1_000));

/** Reads an epoch's body. @throws InputError when it is none. */
export function parseEpochBody(body: Json): EpochBody {
  const epoch = readShape(bodyShape, body, "An epoch");
  if (Object.keys(epoch).length > MAX_MEMBERS) throw new InputError("An epoch does not have so many members.");
  return epoch;
}

/** Whether a body is what a leaf commits to by its hash. */
export function isBodyOf(leaf: Leaf, body: Json): boolean {
  return bodyHash(body) === leaf.bodyHash;
}

/** Checks that an epoch's leaf has the chain and block that its body names. @throws InputError when it has others. */
export function checkEpochPlace(leaf: Leaf, body: EpochBody): void {
  const isPlaced =
    body.chain === caip2(Number(leaf.chainId)) &&
    body.toBlock === leaf.blockNumber.toString() &&
    body.blockHash === leaf.blockHash;
  if (!isPlaced) throw new InputError(`The leaf of ${nameOf(body)} has another chain or block than its body.`);
}

/** The members in which two epochs of one chain and number differ, in the order in which they are told. */
export function differingMembers(theirs: EpochBody, ours: EpochBody): Difference[] {
  const others = [...Object.keys(theirs), ...Object.keys(ours)].filter((name) => !MEMBERS.includes(name));
  const names = [...MEMBERS, ...[...new Set(others)].sort(compareKeys)];
  return names.flatMap((name) => {
    const found = firstDifference(memberOf(theirs, name), memberOf(ours, name), name);
    return found === null ? [] : [found];
  });
}

/** A member of its own: a hostile epoch may name one that every object inherits. */
function memberOf(epoch: EpochBody, name: string): string | undefined {
  return Object.hasOwn(epoch, name) ? epoch[name] : undefined;
}

/** The trees in which two epochs differ. A tree that neither has is none of them. */
export function differingTrees(members: readonly Difference[]): EpochTree[] {
  const has = (tree: EpochTree) => members.some(({ path }) => path === `${tree}Root` || path === `${tree}Count`);
  return EPOCH_TREES.filter(has);
}

/**
 * The first rule, table or other part in which two rulebooks differ.
 * @throws InputError when one is not the whole rulebook of its hash.
 */
export function differingRule(
  theirs: { hash: Hex; source: Json },
  ours: { hash: Hex; source: Json },
): Difference | null {
  for (const [of, whose] of [
    [theirs, "The other"],
    [ours, "The own"],
  ] as const) {
    if (!isWhole(of.source) || rulebookHash(of.source) !== of.hash) {
      throw new InputError(`${whose} server does not serve the rulebook of the hash ${of.hash}.`);
    }
  }
  const [a, b] = [theirs.source, ours.source] as { files: Json }[];
  return firstDifference(a?.files, b?.files);
}

/**
 * Goes through the leaves of a tree on both sides, all of them, and gives the first that is not alike: the first of which
 * more differs than the ids of assessments, which follow from everything they were made under, else the first of all.
 * @param sides leaves in the order of their keys.
 */
export async function firstDifferingLeaf(
  tree: EpochTree,
  sides: { theirs: AsyncIterable<EpochState>; ours: AsyncIterable<EpochState> },
): Promise<LeafDifference | null> {
  const [theirs, ours] = [sides.theirs[Symbol.asyncIterator](), sides.ours[Symbol.asyncIterator]()];
  let first: LeafDifference | null = null;
  let weighty: LeafDifference | null = null;
  let [a, b] = [await theirs.next(), await ours.next()];
  while (!a.done || !b.done) {
    const order = a.done ? 1 : b.done ? -1 : compareKeys(a.value.key, b.value.key);
    const left: EpochState | null = a.done || order > 0 ? null : a.value;
    const right: EpochState | null = b.done || order < 0 ? null : b.value;
    const key = (left ?? right)?.key as string;
    if (weighty === null) weighty = compareLeaf({ tree, key }, withoutId(left), withoutId(right));
    if (first === null) first = compareLeaf({ tree, key }, left, right);
    if (left !== null) a = await theirs.next();
    if (right !== null) b = await ours.next();
  }
  return weighty ?? first;
}

/** What a difference of epochs comes to, in one line. */
export function sentenceOf(
  epoch: EpochBody,
  { members, rule, leaf }: { members: readonly Difference[]; rule: Difference | null; leaf: LeafDifference | null },
): string {
  const [member] = members;
  const parts = [
    `${nameOf(epoch)} differs in ${member?.path}: ${valuesOf(member as Difference)}.`,
    rule === null ? "" : `In the rulebook ${printable(rule.path)} differs: ${valuesOf(rule)}.`,
    leaf === null ? "" : leafSentence(leaf),
  ];
  return parts.filter((part) => part !== "").join(" ");
}

/** An epoch as sentences name it. */
export function nameOf({ chain, number }: Pick<EpochBody, "chain" | "number">): string {
  return `Epoch ${number} of ${chain}`;
}

function leafSentence({ tree, key, path, theirs, ours }: LeafDifference): string {
  const place = `First different leaf of the ${tree} tree: ${printable(key)}`;
  if (path === "" && ours === null) return `${place}, which only the other has.`;
  if (path === "" && theirs === null) return `${place}, which only the own server has.`;
  return `${place}, in it ${printable(path) || "all of it"}: ${valuesOf({ theirs, ours })}.`;
}

function valuesOf({ theirs, ours }: Pick<Difference, "theirs" | "ours">): string {
  return `theirs ${theirs ?? "has none"}, own ${ours ?? "has none"}`;
}

function compareLeaf(
  of: { tree: EpochTree; key: string },
  theirs: EpochState | null,
  ours: EpochState | null,
): LeafDifference | null {
  const found = firstDifference(theirs?.state, ours?.state);
  return found === null ? null : { ...of, ...found };
}

function withoutId(leaf: EpochState | null): EpochState | null {
  if (leaf === null || typeof leaf.state !== "object" || leaf.state === null || Array.isArray(leaf.state)) return leaf;
  const { id: _, ...state } = leaf.state as Readonly<Record<string, Json>>;
  return { key: leaf.key, state };
}
