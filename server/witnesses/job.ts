/** What the thread that captures is asked, and what it answers. All of it can be sent from thread to thread. */
import type { Assessment } from "../../src/core/assessment.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { Deployment } from "../../src/core/margin-model.ts";
import type { Assurance } from "../../src/core/proof/bundle.ts";
import type { Json } from "../../src/core/proof/canonical.ts";
import type { Rule } from "../../src/core/rules/rule.ts";
import type { Captured, Fault } from "./keeper.ts";

/** What the thread works with as long as it lives. */
export type WorkerGround = {
  deployment: Deployment;
  /** One node of each CAIP-2 chain. */
  chains: readonly { chain: string; rpcUrl: string }[];
};

/** Evidence for assessments of one block that may be answered by one capture. */
export type CaptureJob = {
  kind: "capture";
  chain: string;
  level: Exclude<Assurance, "attested">;
  block: { number: number; hash: Hex };
  items: readonly { assessment: Assessment; rule: Rule }[];
};

/** For each item the capture it is answered by, or why there is none: a word, and a sentence for a person. */
export type CaptureResult = {
  captures: readonly Captured[];
  outcomes: readonly (
    | { id: string; capture: number; fault: null }
    | { id: string; capture: null; fault: Fault; reason: string }
  )[];
};

/** A figure to be proven on request, at the end of a block of the chain as the node has it now. */
export type FigureJob = {
  kind: "figure";
  chain: string;
  /** Protocol id. */
  protocol: string;
  subject: string;
  account: string;
  metric: string;
  /** The rule whose rates the metric takes, with its rulebook's whole JSON and hash; `null` for none. */
  rule: { id: string; source: Json; hash: Hex } | null;
  block: number;
  /** The hash this server holds of that block, where it holds one. */
  hash: Hex | null;
};

export type WorkerJob = CaptureJob | FigureJob;

/** The bytes of a figure proof. */
export type FigureResult = { bytes: Uint8Array };

export type ResultOf<Job extends WorkerJob> = Job extends CaptureJob ? CaptureResult : FigureResult;

/** Why a figure could not be proven, in the worker's answer; `input` when whoever asked can do something about it. */
export type WorkerAnswer =
  | { id: number; result: CaptureResult | FigureResult }
  | { id: number; error: { kind: "input" | "provider" | "other"; message: string } };
