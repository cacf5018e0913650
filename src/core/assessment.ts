/**
 * The second waist: consumers begin at `Assessment`. It says whether a rule's condition holds for a subject at a block,
 * knows nothing of who the subject is, is the same for every operator, and is public.
 */
import type { Hex } from "./ids.ts";
import type { StateJson } from "./margin-model.ts";
import type { Reason } from "./result.ts";

/** Version of the code that turns chain data into figures and conditions; part of every assessment's id. */
export const KERNEL_VERSION = "plumbline-kernel/4";

/** Whether a rule's condition holds. `unknown` carries a reason and is never taken for `met`. */
export type Condition = "met" | "not_met" | "unknown";

/**
 * When the rule was tested: `end` of the block, `day:2026-04-02` at that UTC day's last block, `epoch:<number>` at that
 * epoch's last block, or `log:<index>` just after an opening or increase, a deposit or a withdrawal.
 */
export type TestPoint = "end" | `day:${string}` | `epoch:${number}` | `log:${number}`;

/**
 * One assessment, JSON all through: integers are decimal strings. `measured` is an integer with `decimals` digits, or
 * `null` with `reason`; `threshold` is the rule's own decimal string. `inputs` are the named integers `metric` was
 * evaluated from, so that anyone can apply the rule again. `subject` is a position, market or protocol id, a CAIP-10
 * account, a CAIP-19 asset or a CAIP-2 chain, as the rule's metric has it; `account` is the CAIP-10 holder, where there is
 * one. `protocol` is a protocol id, and for what is about a chain the chain itself. `deploymentHash` names the deployment
 * by whose addresses the chain was read.
 */
export type Assessment = {
  id: string;
  chain: string;
  protocol: string;
  subject: string;
  account: string | null;
  ruleId: string;
  rulebookHash: Hex;
  deploymentHash: Hex;
  kernel: string;
  testPoint: TestPoint;
  condition: Condition;
  metric: string;
  inputs: Readonly<Record<string, string>>;
  measured: string | null;
  decimals: string;
  unit: string;
  reason: Reason | null;
  operator: string;
  threshold: string;
  blockNumber: string;
  blockHash: Hex;
  blockTimestamp: string;
};

/**
 * One interval of blocks of one chain, as the indexer struck it at the end of its last block. Roots are RFC 6962: over the
 * folded state of every account and market; over every current assessment, by holder; and over the Merkle sums of what
 * every account holds and must hold, by protocol and asset.
 */
export type Epoch = {
  chain: string;
  number: string;
  fromBlock: string;
  toBlock: string;
  blockHash: Hex;
  stateRoot: Hex;
  stateCount: string;
  assessmentRoot: Hex;
  assessmentCount: string;
  collateralRoot: Hex;
  collateralCount: string;
  rulebookHash: Hex;
  deploymentHash: Hex;
  kernel: string;
};

/** The trees an epoch commits to, in the order in which their leaves are listed. */
export const EPOCH_TREES = ["state", "assessment", "collateral"] as const;
export type EpochTree = (typeof EPOCH_TREES)[number];

/** What an account has of an asset as collateral and must have, 18 decimals; `required` is null where nobody can know. */
export type CollateralState = { held: string; required: string | null };

/** A leaf of an epoch's tree that is new or changed since the epoch before; `state` is null when it is gone. */
export type EpochLeaf = { tree: EpochTree; key: string; state: StateJson | null };

/**
 * One whole block of the feed from indexer to server. `assessments` are in the order they were made. `closed` names the
 * subjects a rule no longer has anything to say about: positions gone flat and accounts without an open position. What
 * was open about them is cured. An account's subject is the same in every protocol of its chain, so a subject is always
 * read together with its protocol. `leaves` are the leaves that changed with the epoch the block ends, by tree (state,
 * assessment, collateral) and raw bytes of their key; none where no epoch ends.
 */
export type FeedBlock = {
  chain: string;
  number: string;
  hash: Hex;
  parentHash: Hex;
  timestamp: string;
  assessments: readonly Assessment[];
  closed: readonly { protocol: string; subject: string }[];
  epoch: Epoch | null;
  leaves: readonly EpochLeaf[];
};

/** Answer of the indexer's `GET /feed?chain=eip155:901&after=<number>&limit=<n>`: blocks above `after`, rising. */
export type FeedPage = { chain: string; head: { number: string; hash: Hex } | null; blocks: readonly FeedBlock[] };
