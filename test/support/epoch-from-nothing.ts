/** The roots of an epoch worked out from nothing: all leaves as they are now, hashed by other code than the indexer's. */
import { createHash } from "node:crypto";
import type { EpochLeaf, EpochTree } from "../../src/core/assessment.ts";
import type { Book } from "../../src/core/book/book.ts";
import { collateralLeaves } from "../../src/core/book/collateral.ts";
import type { StateJson } from "../../src/core/margin-model.ts";
import { canonicalText, type Json } from "../../src/core/proof/canonical.ts";
import type { EpochRoots } from "../../src/core/proof/epoch-trees.ts";

/** What stands under each key of a tree. */
export type LeavesByKey = Map<string, StateJson>;
export type AllLeaves = Record<EpochTree, LeavesByKey>;

type Node = { hash: Buffer; held: bigint; required: bigint; unknown: bigint };

/** Everything an epoch would commit to at the book's block. */
export function leavesOf(book: Book): AllLeaves {
  const { chainId } = book.chain;
  const now = book.block?.timestamp as bigint;
  const all = noLeaves();
  for (const venue of book.venues) {
    const { model, prefix } = venue;
    for (const key of model.marketKeys()) all.state.set(`${prefix}market:${key}`, model.marketState(key));
    for (const address of model.addresses()) {
      all.state.set(`${prefix}account:${address}`, model.accountState(address));
      for (const leaf of collateralLeaves(address, { venue, chainId, now })) apply(all, leaf);
    }
  }
  for (const key of book.conditions.keys()) all.assessment.set(key, book.conditions.stateOf(key) as StateJson);
  return all;
}

export function noLeaves(): AllLeaves {
  return { state: new Map(), assessment: new Map(), collateral: new Map() };
}

/** Takes over a leaf that has come, changed or gone. */
export function apply(all: AllLeaves, { tree, key, state }: EpochLeaf): void {
  if (state === null) all[tree].delete(key);
  else all[tree].set(key, state);
}

/** The roots over leaves, and their numbers. */
export function rootsOf(all: AllLeaves): EpochRoots {
  const holders = grouped(all.assessment, holderOf);
  const assets = grouped(all.collateral, (key) => key.slice(0, key.lastIndexOf("|")));
  return {
    stateRoot: root(all.state),
    stateCount: `${all.state.size}`,
    assessmentRoot: root(mapped(holders, (own) => ({ count: `${own.size}`, root: root(own) }))),
    assessmentCount: `${all.assessment.size}`,
    collateralRoot: root(mapped(assets, totalsOf)),
    collateralCount: `${assets.size}`,
  };
}

/** Protocol and account of an assessment's key; a position's id ends in its market, its account and a number. */
function holderOf(key: string): string {
  const [protocol, subject] = key.split("|") as [string, string];
  const parts = subject.split("/");
  return `${protocol}|${parts.length === 5 ? `${parts[0]}:${parts[3]}` : subject}`;
}

function totalsOf(own: LeavesByKey): Json {
  const { hash, held, required, unknown } = sum(sorted(own).map(sumLeaf));
  const sums = { held: `${held}`, required: `${required}`, unknown: `${unknown}` };
  return { ...sums, accounts: `${own.size}`, root: `0x${hash.toString("hex")}` };
}

function sumLeaf([key, state]: [string, StateJson]): Node {
  const { held, required } = state as { held: string; required: string | null };
  const known = { held: BigInt(held), required: BigInt(required ?? "0"), unknown: required === null ? 1n : 0n };
  return { hash: leafHash(key, state), ...known };
}

/** Split as RFC 6962 splits: the largest power of two below the number of leaves stands on the left. */
function split<T>(items: readonly T[]): [T[], T[]] {
  let left = 1;
  while (left * 2 < items.length) left *= 2;
  return [items.slice(0, left), items.slice(left)];
}

function sum(nodes: readonly Node[]): Node {
  if (nodes.length === 1) return nodes[0] as Node;
  const [left, right] = split(nodes).map(sum) as [Node, Node];
  const written = [left, right].map(({ hash, held, required, unknown }) =>
    Buffer.concat([hash, bytes(held, 32), bytes(required, 32), bytes(unknown, 8)]),
  );
  return {
    hash: sha256(Buffer.of(1), ...written),
    held: left.held + right.held,
    required: left.required + right.required,
    unknown: left.unknown + right.unknown,
  };
}

function bytes(value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * length, "0"), "hex");
}

function root(leaves: LeavesByKey | Map<string, Json>): `0x${string}` {
  const hashes = sorted(leaves as Map<string, Json>).map(([key, state]) => leafHash(key, state));
  return `0x${(hashes.length === 0 ? sha256() : hashed(hashes)).toString("hex")}`;
}

function hashed(hashes: readonly Buffer[]): Buffer {
  if (hashes.length === 1) return hashes[0] as Buffer;
  const [left, right] = split(hashes).map(hashed) as [Buffer, Buffer];
  return sha256(Buffer.of(1), left, right);
}

function leafHash(key: string, state: Json): Buffer {
  return sha256(Buffer.of(0), Buffer.from(canonicalText([key, state])));
}

function sha256(...parts: readonly Buffer[]): Buffer {
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}

function sorted<T>(leaves: ReadonlyMap<string, T>): [string, T][] {
  return [...leaves].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function grouped(leaves: LeavesByKey, groupOf: (key: string) => string): Map<string, LeavesByKey> {
  const groups = new Map<string, LeavesByKey>();
  for (const [key, state] of leaves) {
    const own = groups.get(groupOf(key)) ?? new Map();
    groups.set(groupOf(key), own.set(key, state));
  }
  return groups;
}

function mapped<T, U>(map: ReadonlyMap<string, T>, by: (value: T) => U): Map<string, U> {
  return new Map([...map].map(([key, value]) => [key, by(value)]));
}
