import { type Epoch, KERNEL_VERSION } from "../assessment.ts";
import { InvariantError } from "../errors.ts";
import type { BlockRef } from "../event.ts";
import { caip2, type Hex } from "../ids.ts";
import type { StateJson } from "../margin-model.ts";
import { toHex } from "../proof/bytes.ts";
import { rootOf } from "../proof/merkle.ts";
import { type Conditions, subjectOfKey } from "./conditions.ts";
import type { Regime } from "./regime.ts";
import { GroupedLeaves, Leaves } from "./roots.ts";
import type { Venue } from "./venue.ts";

type Parts = {
  chainId: number;
  epochBlocks: number;
  venues: readonly Venue[];
  conditions: Pick<Conditions, "keys" | "stateOf">;
  regime: Regime;
  deploymentHash: Hex;
};

/**
 * Strikes the epochs of a chain: a root over the folded state of every account and market, and one over every current
 * assessment, met ones too, subject by subject.
 */
export class Epochs {
  readonly #parts: Parts;
  readonly #state = new Leaves();
  readonly #assessed = new GroupedLeaves(subjectOfKey);

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Whether the block is the last of its epoch. */
  endsWith(block: BlockRef): boolean {
    return (block.number + 1n) % BigInt(this.#parts.epochBlocks) === 0n;
  }

  /** Number of the epoch the block is in. */
  numberOf(block: BlockRef): bigint {
    return block.number / BigInt(this.#parts.epochBlocks);
  }

  /** The state of an account or market may have changed. */
  touchState(venue: Venue, kind: "account" | "market", id: string): void {
    this.#state.touch(stateKey(venue, kind, id));
  }

  /** The current assessment under `key` has changed or is gone. */
  touchAssessment(key: string): void {
    this.#assessed.touch(key);
  }

  /** Forgets all hashes. The next roots are worked out from nothing, and come out the same. */
  forget(): void {
    this.#state.clear();
    this.#assessed.clear();
  }

  /** The epoch the block ends, if it ends one. */
  strike(block: BlockRef): Epoch | null {
    if (!this.endsWith(block)) return null;
    const { chainId, conditions, regime, deploymentHash } = this.#parts;
    const length = BigInt(this.#parts.epochBlocks);
    if (this.#state.isEmpty) this.#touchEverything();
    const state = this.#state.strike((key) => this.#stateOf(key));
    const assessments = this.#assessed.strike((key) => conditions.stateOf(key));
    return {
      chain: caip2(chainId),
      number: this.numberOf(block).toString(),
      fromBlock: (block.number + 1n - length).toString(),
      toBlock: block.number.toString(),
      blockHash: block.hash,
      stateRoot: toHex(state.root) as Hex,
      stateCount: state.count.toString(),
      assessmentRoot: toHex(assessments.root) as Hex,
      assessmentCount: assessments.count.toString(),
      collateralRoot: toHex(rootOf([])),
      collateralCount: "0",
      rulebookHash: regime.rulebook.hash,
      deploymentHash,
      kernel: KERNEL_VERSION,
    };
  }

  #touchEverything(): void {
    for (const venue of this.#parts.venues) {
      for (const address of venue.model.addresses()) this.touchState(venue, "account", address);
      for (const key of venue.model.marketKeys()) this.touchState(venue, "market", key);
    }
    for (const key of this.#parts.conditions.keys()) this.#assessed.touch(key);
  }

  #stateOf(key: string): StateJson {
    const venue = this.#parts.venues.find((v) => key.startsWith(v.prefix));
    if (venue === undefined) throw new InvariantError(`No venue for the state ${key}.`);
    const [kind, id] = key.slice(venue.prefix.length).split(":") as [string, string];
    return kind === "account" ? venue.model.accountState(id as Hex) : venue.model.marketState(id);
  }
}

function stateKey(venue: Venue, kind: "account" | "market", id: string): string {
  return `${venue.prefix}${kind}:${id}`;
}
