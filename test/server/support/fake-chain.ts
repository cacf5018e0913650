import { createHash } from "node:crypto";
import type { Assessment, Condition, Epoch, FeedBlock } from "../../../src/core/assessment.ts";
import { KERNEL_VERSION } from "../../../src/core/assessment.ts";
import { addressOf, type Hex } from "../../../src/core/ids.ts";
import { assessmentId } from "../../../src/core/proof/ids.ts";

/** What a test says happens in a block: assessments in order, subjects that end, and whether an epoch ends. */
export type Happening = {
  assessments?: readonly { ruleId: string; subject: string; condition: Condition; measured?: string }[];
  closed?: readonly { protocol: string; subject: string }[];
  epoch?: boolean;
  /** Whole days by which the block is later than its number says. */
  daysLater?: number;
};

/** 2026-04-02T00:00:00Z, in seconds. */
const START = 1_775_088_000;

function hash(text: string): Hex {
  return `0x${createHash("sha256").update(text).digest("hex")}`;
}

/**
 * A chain of blocks a test writes by hand, with what an indexer would say of each. A reorg replaces the last blocks; a
 * block's hash follows from its branch, so equal branches give equal blocks.
 */
export class FakeChain {
  readonly chain: string;
  readonly protocol: string;
  blocks: FeedBlock[] = [];
  /** Blocks up to here are final at the node. */
  finalized = 0;
  /** How many of the blocks the indexer has: it may lag, or replay after a crash. */
  indexed = Number.POSITIVE_INFINITY;
  /** The rulebook that what is added is assessed under. */
  rulebookHash: Hex;

  constructor(chainId: number, rulebookHash: Hex) {
    this.chain = `eip155:${chainId}`;
    this.protocol = `${this.chain}/perp-v2`;
    this.rulebookHash = rulebookHash;
  }

  get head(): number {
    return this.blocks.length;
  }

  /** Appends a block, number 1 first. `branch` tells forks apart. */
  add(happening: Happening = {}, branch = "main"): FeedBlock {
    const number = this.blocks.length + 1;
    const parentHash = this.blocks.at(-1)?.hash ?? hash(`${this.chain} genesis`);
    const block = {
      chain: this.chain,
      number: String(number),
      hash: hash(`${parentHash} ${number} ${branch}`),
      parentHash,
      timestamp: String(START + number * 2 + (happening.daysLater ?? 0) * 86_400),
    };
    const made: FeedBlock = {
      ...block,
      assessments: (happening.assessments ?? []).map((about) => this.#assessment(block, about)),
      closed: happening.closed ?? [],
      epoch: happening.epoch ? this.#epoch(block) : null,
      leaves: [],
    };
    this.blocks.push(made);
    return made;
  }

  /** Removes the last `depth` blocks. */
  drop(depth: number): void {
    this.blocks.length -= depth;
  }

  /** What the indexer has of a height. */
  indexedBlocks(): FeedBlock[] {
    return this.blocks.slice(0, Math.min(this.indexed, this.blocks.length));
  }

  #assessment(
    block: { number: string; hash: Hex; timestamp: string },
    about: { ruleId: string; subject: string; condition: Condition; measured?: string },
  ): Assessment {
    const { ruleId, subject, condition } = about;
    const body = {
      chain: this.chain,
      protocol: this.protocol,
      subject,
      account: /^eip155:\d+:0x/.test(subject) ? subject : `${this.chain}:${addressOf(accountIn(subject))}`,
      ruleId,
      rulebookHash: this.rulebookHash,
      deploymentHash: hash("deployment"),
      kernel: KERNEL_VERSION,
      testPoint: "end" as const,
      condition,
      metric: "ACC.MARGIN_RATIO",
      inputs: { equity: about.measured ?? "1000000000000000000", maintenance: "1000000000000000000" },
      measured: condition === "unknown" ? null : (about.measured ?? "1000000000000000000"),
      decimals: "18",
      unit: "ratio",
      reason: condition === "unknown" ? ("NO_PRICE" as const) : null,
      operator: ">=",
      threshold: "1",
      blockNumber: block.number,
      blockHash: block.hash,
      blockTimestamp: block.timestamp,
    };
    return { id: assessmentId(body), ...body };
  }

  #epoch(block: { number: string; hash: Hex }): Epoch {
    return {
      chain: this.chain,
      number: block.number,
      fromBlock: block.number,
      toBlock: block.number,
      blockHash: block.hash,
      stateRoot: hash(`state ${block.hash}`),
      stateCount: "3",
      assessmentRoot: hash(`assessments ${block.hash}`),
      assessmentCount: "2",
      collateralRoot: hash(`collateral ${block.hash}`),
      collateralCount: "1",
      rulebookHash: this.rulebookHash,
      deploymentHash: hash("deployment"),
      kernel: KERNEL_VERSION,
    };
  }
}

/** The CAIP-10 form of the account in a position id `<market>/<address>/<epoch>`. */
function accountIn(position: string): string {
  return `eip155:1:${position.split("/").at(-2)}`;
}
