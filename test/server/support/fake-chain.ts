import { createHash } from "node:crypto";
import type { Assessment, Condition, Epoch, EpochLeaf, FeedBlock } from "../../../src/core/assessment.ts";
import { KERNEL_VERSION } from "../../../src/core/assessment.ts";
import { addressOf, type Hex } from "../../../src/core/ids.ts";
import { compareKeys } from "../../../src/core/order.ts";
import { canonicalText } from "../../../src/core/proof/canonical.ts";
import { EpochTrees } from "../../../src/core/proof/epoch-trees.ts";
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
  /** The deployment by which it is said to be read. */
  deploymentHash: Hex = hash("deployment");
  /** All leaves of the epochs that were ever struck, by the hash of their last block. */
  readonly #leaves = new Map<Hex, ReadonlyMap<string, EpochLeaf>>();

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
    const assessments = (happening.assessments ?? []).map((about) => this.#assessment(block, about));
    const said: FeedBlock = { ...block, assessments, closed: happening.closed ?? [], epoch: null, leaves: [] };
    const made = happening.epoch ? { ...said, ...this.#epoch(said) } : said;
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
      deploymentHash: this.deploymentHash,
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

  /** All leaves of an epoch, by number, whenever each of them changed last; undefined where there is no such epoch. */
  epochLeaves(number: string): EpochLeaf[] | undefined {
    const block = this.indexedBlocks().find(({ epoch }) => epoch?.number === number);
    const leaves = block && this.#leaves.get(block.hash);
    return leaves && [...leaves.values()];
  }

  /** The epoch that a block ends, and what changed with it since the last one before. */
  #epoch(block: FeedBlock): { epoch: Epoch; leaves: readonly EpochLeaf[] } {
    const at = this.blocks.findLastIndex(({ epoch }) => epoch !== null);
    const before = this.#leaves.get(this.blocks[at]?.hash as Hex) ?? new Map<string, EpochLeaf>();
    const now = this.#after(before, [...this.blocks.slice(at + 1), block]);
    this.#leaves.set(block.hash, now);
    const trees = new EpochTrees();
    for (const leaf of now.values()) trees.put(leaf);
    const gone = [...before].filter(([name]) => !now.has(name)).map(([, leaf]) => ({ ...leaf, state: null }));
    const changed = [...now].filter(([name, leaf]) => {
      const former = before.get(name);
      return former === undefined || canonicalText(former.state) !== canonicalText(leaf.state);
    });
    const leaves = [...gone, ...changed.map(([, leaf]) => leaf)];
    const order = ["state", "assessment", "collateral"];
    leaves.sort((a, b) => order.indexOf(a.tree) - order.indexOf(b.tree) || compareKeys(a.key, b.key));
    return { epoch: this.#epochOf(block, trees), leaves };
  }

  /** Every account that was assessed has a state and collateral, and every rule its last assessment. */
  #after(before: ReadonlyMap<string, EpochLeaf>, blocks: readonly FeedBlock[]): ReadonlyMap<string, EpochLeaf> {
    const now = new Map(before);
    const put = (leaf: EpochLeaf) => now.set(`${leaf.tree} ${leaf.key}`, leaf);
    for (const block of blocks) {
      for (const { subject, account, ruleId, id, condition, measured, reason } of block.assessments) {
        const address = addressOf(account as string);
        const asset = `${this.chain}/erc20:0x${"2".repeat(40)}`;
        const required = condition === "unknown" ? null : "50";
        put({ tree: "state", key: `${this.protocol}/account:${address}`, state: { last: block.number } });
        put({
          tree: "assessment",
          key: `${this.protocol}|${subject}|${ruleId}`,
          state: { condition, id, measured, reason },
        });
        put({
          tree: "collateral",
          key: `${this.protocol}|${asset}|${address}`,
          state: { held: `${block.number}00`, required },
        });
      }
      for (const { protocol, subject } of block.closed) {
        for (const name of [...now.keys()]) if (name.startsWith(`assessment ${protocol}|${subject}|`)) now.delete(name);
      }
    }
    return now;
  }

  #epochOf(block: FeedBlock, trees: EpochTrees): Epoch {
    return {
      chain: this.chain,
      number: block.number,
      fromBlock: block.number,
      toBlock: block.number,
      blockHash: block.hash,
      ...trees.roots(),
      rulebookHash: this.rulebookHash,
      deploymentHash: this.deploymentHash,
      kernel: KERNEL_VERSION,
    };
  }
}

/** The CAIP-10 form of the account in a position id `<market>/<address>/<epoch>`. */
function accountIn(position: string): string {
  return `eip155:1:${position.split("/").at(-2)}`;
}
