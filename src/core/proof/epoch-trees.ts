/**
 * The trees an epoch commits to, changed leaf by leaf: what the indexer strikes roots from and the server keeps to prove
 * them. Keys of leaves: `<protocol>/account:<address>` and `<protocol>/market:<key>` in the tree of states,
 * `<protocol>|<subject>|<rule>` in that of assessments, `<protocol>|<asset>|<address>` in that of collateral.
 */
import type { CollateralState, Epoch, EpochLeaf } from "../assessment.ts";
import { InputError } from "../errors.ts";
import { type Hex, holderOf } from "../ids.ts";
import type { StateJson } from "../margin-model.ts";
import { compareKeys } from "../order.ts";
import { toHex } from "./bytes.ts";
import { canonicalBytes, type Json } from "./canonical.ts";
import { type Group, GroupedTree } from "./grouped-tree.ts";
import { leafHash, rootOf } from "./merkle.ts";
import { SortedTree } from "./sorted-tree.ts";
import { type SumNode, SumTree, sumLeaf } from "./sum-tree.ts";

/** The members of an epoch that commit to its trees. */
export type EpochRoots = Pick<
  Epoch,
  "stateRoot" | "stateCount" | "assessmentRoot" | "assessmentCount" | "collateralRoot" | "collateralCount"
>;

/** What the tree of collateral says of one asset in one protocol: over how many accounts which sums, and their root. */
export type CollateralTotals = { accounts: string; held: string; required: string; root: Hex; unknown: string };

/** Between the parts of a key; in none of them. */
const SEPARATOR = "|";

/** The group of an assessment's key, `<protocol>|<holder>`: an account has in one group what is said of its positions too. */
export function holderKeyOf(key: string): string {
  const from = key.indexOf(SEPARATOR) + 1;
  const to = key.indexOf(SEPARATOR, from);
  return key.slice(0, from) + holderOf(key.slice(from, to < 0 ? undefined : to));
}

/** The group of a key of collateral, `<protocol>|<asset>`. */
function assetKeyOf(key: string): string {
  return key.slice(0, key.lastIndexOf(SEPARATOR));
}

/** The hash of a leaf that carries no sums: RFC 6962 over the RFC 8785 form of `[key, state]`. */
export function keyedLeafHash(key: string, state: Json): Uint8Array {
  return leafHash(canonicalBytes([key, state]));
}

/** The state of a leaf of collateral. @throws InputError for anything else. */
export function collateralStateOf(state: StateJson): CollateralState {
  const { held, required, ...more } = (state ?? {}) as Record<string, StateJson>;
  const isState = typeof held === "string" && (typeof required === "string" || required === null);
  if (!isState || Object.keys(more).length > 0) {
    throw new InputError(`${JSON.stringify(state)} is no collateral; expected what is held and what is required.`);
  }
  return { held, required };
}

/** Assessments of one holder: a root over few leaves is worked out anew faster than a tree is kept. */
class Assessments implements Group<Uint8Array> {
  readonly #hashes = new Map<string, Uint8Array>();

  set(key: string, hash: Uint8Array): void {
    this.#hashes.set(key, hash);
  }

  delete(key: string): void {
    this.#hashes.delete(key);
  }

  get size(): number {
    return this.#hashes.size;
  }

  /** Keys, in the order of the leaves. */
  keys(): string[] {
    return [...this.#hashes.keys()].sort(compareKeys);
  }

  summary(): { count: string; root: Hex } {
    const hashes = this.keys().map((key) => this.#hashes.get(key) as Uint8Array);
    return { count: hashes.length.toString(), root: toHex(rootOf(hashes)) };
  }
}

/** What accounts have of one asset and must have, in one protocol. */
class Collateral extends SumTree implements Group<SumNode> {
  summary(): CollateralTotals {
    const { hash, sums } = this.root();
    return {
      accounts: this.size.toString(),
      held: sums.held.toString(),
      required: sums.required.toString(),
      root: toHex(hash),
      unknown: sums.unknown.toString(),
    };
  }
}

/** All trees of an epoch, as they stand. */
export class EpochTrees {
  readonly state = new SortedTree();
  readonly assessments = new GroupedTree<Uint8Array, Assessments>({
    groupOf: holderKeyOf,
    create: () => new Assessments(),
  });
  readonly collateral = new GroupedTree<SumNode, Collateral>({ groupOf: assetKeyOf, create: () => new Collateral() });

  /** Takes over a leaf that has come, changed or gone. @throws InputError for collateral that is none. */
  put({ tree, key, state }: EpochLeaf): void {
    const trees = { state: this.state, assessment: this.assessments, collateral: this.collateral };
    if (state === null) trees[tree].delete(key);
    else if (tree === "collateral") this.collateral.set(key, sumLeaf(key, collateralStateOf(state)));
    else trees[tree].set(key, keyedLeafHash(key, state));
  }

  /** The roots, after working out again what has changed since the last ones. */
  roots(): EpochRoots {
    return {
      stateRoot: toHex(this.state.root()),
      stateCount: this.state.size.toString(),
      assessmentRoot: toHex(this.assessments.tree.root()),
      assessmentCount: this.assessments.leafCount.toString(),
      collateralRoot: toHex(this.collateral.tree.root()),
      collateralCount: this.collateral.tree.size.toString(),
    };
  }
}
