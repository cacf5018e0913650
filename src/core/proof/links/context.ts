import type { Assessment } from "../../assessment.ts";
import type { ChainDeployment, ProtocolDeployment } from "../../margin-model.ts";
import type { Rule } from "../../rules/rule.ts";
import type { Evidence, ReadBundle } from "../bundle.ts";
import type { Json } from "../canonical.ts";
import type { Verifier } from "../note.ts";
import type { Figure } from "../shapes.ts";
import type { Reassessment, Trust } from "../verification.ts";

/** What is measured, where, and what it came to: an assessment, or a figure on its own. */
export type Claim = Omit<Figure, "testPoint"> & Pick<Assessment, "testPoint">;

/** Where the claim's protocol is, as the deployment has it; `protocol` is null for what is about a chain. */
export type Place = { chain: ChainDeployment; protocol: ProtocolDeployment | null };

/**
 * What links are checked in. The functions give the same answer, or throw the same error, every time: what several links
 * need is worked out once.
 */
export type Context = {
  claim: Claim;
  /** The bundle the claim is in; null for a figure on its own. */
  sealed: ReadBundle | null;
  rulebook: Json | null;
  deployment: Json | null;
  evidence: Evidence | null;
  verifiers: readonly Verifier[];
  trust: Trust;
  /** The rule the rulebook shows; null for a figure without one. */
  rule: () => Rule | null;
  place: () => Place;
  again: () => Reassessment;
};
