import { type Epoch, type EpochLeaf, KERNEL_VERSION } from "../assessment.ts";
import { InvariantError } from "../errors.ts";
import type { BlockRef } from "../event.ts";
import { caip2, type Hex } from "../ids.ts";
import type { StateJson } from "../margin-model.ts";
import { compareKeys } from "../order.ts";
import type { CollateralTotals } from "../proof/epoch-trees.ts";
import { collateralLeaves } from "./collateral.ts";
import type { Conditions } from "./conditions.ts";
import { EpochLeaves } from "./epoch-leaves.ts";
import type { Journal } from "./journal.ts";
import { endMark } from "./marks.ts";
import type { Regime } from "./regime.ts";
import type { Venue } from "./venue.ts";

type Parts = {
  journal: Journal;
  chainId: number;
  epochBlocks: number;
  venues: readonly Venue[];
  conditions: Pick<Conditions, "keys" | "stateOf">;
  regime: Regime;
  deploymentHash: Hex;
};

/** What the end of an epoch leaves behind: the leaves that changed with it, and the sums of collateral by asset. */
export type Struck = { epoch: Epoch; leaves: readonly EpochLeaf[]; collateral: readonly AssetTotals[] };

/** The sums over all accounts of one asset in one protocol. */
export type AssetTotals = { protocol: string; asset: string } & CollateralTotals;

/** Keys of leaves that may have changed since the last epoch, and venues in which any account's collateral may have. */
type Touched = { states: Set<string>; assessments: Set<string>; everyone: Set<Venue> };

/**
 * Strikes the epochs of a chain: a root over the folded state of every account and market, one over every current
 * assessment, met ones too, holder by holder, and one over what every account has as collateral and must have.
 */
export class Epochs {
  readonly #parts: Parts;
  readonly #leaves: EpochLeaves;
  readonly #at: { touched: Touched } = { touched: untouched() };

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#leaves = new EpochLeaves(parts.journal);
  }

  /** Whether the block is the last of its epoch. */
  endsWith(block: BlockRef): boolean {
    return (block.number + 1n) % BigInt(this.#parts.epochBlocks) === 0n;
  }

  /** Number of the epoch the block is in. */
  numberOf(block: BlockRef): bigint {
    return block.number / BigInt(this.#parts.epochBlocks);
  }

  /** The state of an account or market may have changed, and with an account's its collateral. */
  touchState(venue: Venue, kind: "account" | "market", id: string): void {
    this.#parts.journal.add(this.#at.touched.states, stateKey(venue, kind, id));
  }

  /** The collateral of any account of the venue may have changed. */
  touchEveryone(venue: Venue): void {
    this.#parts.journal.add(this.#at.touched.everyone, venue);
  }

  /** The current assessment under `key` has changed or is gone. */
  touchAssessment(key: string): void {
    this.#parts.journal.add(this.#at.touched.assessments, key);
  }

  /** The epoch the block ends, if it ends one. */
  strike(block: BlockRef): Struck | null {
    if (!this.endsWith(block)) return null;
    const { journal, chainId, regime, deploymentHash } = this.#parts;
    const length = BigInt(this.#parts.epochBlocks);
    const touched = this.#leaves.isEmpty ? this.#everything() : this.#at.touched;
    const leaves = this.#leaves.take(this.#found(touched, block), endMark(block.number));
    journal.put(this.#at, "touched", untouched());
    const epoch: Epoch = {
      chain: caip2(chainId),
      number: this.numberOf(block).toString(),
      fromBlock: (block.number + 1n - length).toString(),
      toBlock: block.number.toString(),
      blockHash: block.hash,
      ...this.#leaves.trees.roots(),
      rulebookHash: regime.rulebook.hash,
      deploymentHash,
      kernel: KERNEL_VERSION,
    };
    return { epoch, leaves, collateral: this.#totals() };
  }

  /** The sums of every asset that anybody has, in the order of keys. */
  #totals(): AssetTotals[] {
    const { collateral } = this.#leaves.trees;
    const totals: AssetTotals[] = [];
    for (const name of collateral.names()) {
      const [protocol, asset] = name.split("|") as [string, string];
      const summary = collateral.group(name)?.summary();
      if (summary !== undefined) totals.push({ protocol, asset, ...summary });
    }
    return totals.sort((a, b) => compareKeys(`${a.protocol}|${a.asset}`, `${b.protocol}|${b.asset}`));
  }

  #everything(): Touched {
    const { venues, conditions } = this.#parts;
    const touched = untouched();
    for (const venue of venues) {
      for (const address of venue.model.addresses()) touched.states.add(stateKey(venue, "account", address));
      for (const key of venue.model.marketKeys()) touched.states.add(stateKey(venue, "market", key));
    }
    for (const key of conditions.keys()) touched.assessments.add(key);
    return touched;
  }

  /** Leaves that may have changed, as they are now. */
  *#found(touched: Touched, block: BlockRef): Generator<EpochLeaf> {
    const { chainId, venues, conditions } = this.#parts;
    for (const key of touched.states) yield { tree: "state", key, state: this.#stateOf(key) };
    for (const key of touched.assessments) yield { tree: "assessment", key, state: conditions.stateOf(key) ?? null };
    for (const venue of venues) {
      const place = { venue, chainId, now: block.timestamp };
      for (const address of holdersDue(venue, touched)) yield* collateralLeaves(address, place);
    }
  }

  #stateOf(key: string): StateJson {
    const venue = this.#parts.venues.find((v) => key.startsWith(v.prefix));
    if (venue === undefined) throw new InvariantError(`No venue for the state ${key}.`);
    const [kind, id] = key.slice(venue.prefix.length).split(":") as [string, string];
    return kind === "account" ? venue.model.accountState(id as Hex) : venue.model.marketState(id);
  }
}

/**
 * Accounts whose collateral may have changed: those something has touched, and those with an open position, whose
 * requirement moves with prices and funding.
 */
function holdersDue(venue: Venue, { states, everyone }: Touched): ReadonlySet<Hex> {
  if (everyone.has(venue)) return new Set(venue.model.addresses());
  const due = new Set<Hex>();
  const prefix = stateKey(venue, "account", "");
  for (const key of states) if (key.startsWith(prefix)) due.add(key.slice(prefix.length) as Hex);
  for (const key of venue.model.marketKeys()) for (const address of venue.model.holders(key)) due.add(address);
  return due;
}

function untouched(): Touched {
  return { states: new Set(), assessments: new Set(), everyone: new Set() };
}

function stateKey(venue: Venue, kind: "account" | "market", id: string): string {
  return `${venue.prefix}${kind}:${id}`;
}
