import type { Condition } from "../assessment.ts";
import type { Figure } from "../margin-model.ts";
import type { Reason } from "../result.ts";
import type { Measured } from "../rules/assess.ts";
import type { Rule } from "../rules/rule.ts";

/**
 * What one rule finds on an account, or on a market or protocol it is in, as the book stands, whatever the rule's test
 * point: an opening rule is measured as if the position were opened now. It is never sealed, alerted or stored.
 */
export type HypotheticalFinding = {
  rule: Rule;
  /** Position id, CAIP-10 account, market id, protocol id, asset or chain: what the rule is about. */
  subject: string;
  /** Protocol id: `eip155:901/perp-v2`. */
  protocol: string;
  /** US dollars with 18 decimals, of the position or of the account's positions. */
  notional: Figure;
  /** Null where nothing was measured, as for a rule whose metric does not exist yet. */
  measured: Measured | null;
  condition: Condition;
  /** Why the condition is unknown or the figure null; otherwise null. */
  reason: Reason | null;
};
