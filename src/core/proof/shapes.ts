/**
 * The forms that bundles and figure proofs are made of. They are also what the published JSON Schemas are made from, so
 * every one is a pattern and none a function.
 */
import * as z from "zod";
import type { Assessment, TestPoint } from "../assessment.ts";
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import { REASONS } from "../result.ts";
import type { Json } from "./canonical.ts";
import type { VerdictBody } from "./leaf.ts";
import { logEvidenceShape } from "./log-evidence.ts";
import type { Opening } from "./verdict.ts";

const matching = <T extends string>(pattern: RegExp, expected: string) =>
  z.string().regex(pattern, `expected ${expected}`) as unknown as z.ZodType<T>;

export const hash = matching<Hex>(/^0x[0-9a-f]{64}$/, "0x and 64 lower-case hex digits");
export const address = matching<Hex>(/^0x[0-9a-f]{40}$/, "0x and 40 lower-case hex digits");
const digest = matching<string>(/^[0-9a-f]{64}$/, "64 lower-case hex digits");
export const natural = matching<string>(/^(0|[1-9]\d{0,19})$/, "a decimal string");
const integer = matching<string>(/^(0|-?[1-9]\d*)$/, "an integer as a decimal string");
export const chain = matching<string>(/^eip155:[1-9]\d{0,14}$/, "a CAIP-2 chain");
const name = z.string().min(1);
const testPoint = matching<TestPoint>(
  /^(end|day:\d{4}-\d\d-\d\d|(epoch|log):(0|[1-9]\d{0,8}))$/,
  "end, day:…, epoch:… or log:…",
);

/** An object of a form of its own, which its reader checks. */
export const object = z.looseObject({}) as unknown as z.ZodType<Json>;

/** What an assessment and a figure without a rule have in common: what is measured, where, and what it came to. */
const measurement = {
  chain,
  protocol: name,
  subject: name,
  account: name.nullable(),
  metric: name,
  kernel: name,
  deploymentHash: hash,
  blockNumber: natural,
  blockHash: hash,
  blockTimestamp: natural,
  inputs: z.record(name, integer),
  measured: integer.nullable(),
  decimals: natural,
  unit: name,
  reason: z.enum(REASONS).nullable(),
};

export const assessment: z.ZodType<Assessment> = z.strictObject({
  id: digest,
  ...measurement,
  ruleId: name,
  rulebookHash: hash,
  testPoint,
  condition: z.enum(["met", "not_met", "unknown"]),
  operator: name,
  threshold: name,
});

/** A figure as it stood at the end of a block. With a rule, the rule's own rates and haircuts are among its inputs. */
export type Figure = Omit<
  Assessment,
  "id" | "ruleId" | "rulebookHash" | "testPoint" | "condition" | "operator" | "threshold"
> & { ruleId: string | null; rulebookHash: Hex | null; testPoint: "end" };

export const figure: z.ZodType<Figure> = z.strictObject({
  ...measurement,
  ruleId: name.nullable(),
  rulebookHash: hash.nullable(),
  testPoint: z.literal("end"),
});

export const verdict: z.ZodType<VerdictBody> = z.strictObject({
  id: digest,
  assessmentId: digest,
  chain,
  protocol: name,
  subject: name,
  ruleId: name,
  rulebookHash: hash,
  blockNumber: natural,
  blockHash: hash,
  commitment: digest,
});

export const opening: z.ZodType<Opening> = z.strictObject({
  salt: digest,
  outcome: z.enum(["compliant", "breach", "not_applicable", "indeterminate"]),
  profile: name,
  missing: z.array(name),
});

export const evidence = z.union([z.strictObject({ kind: z.literal("calls"), witness: object }), logEvidenceShape]);

/** Either a value or why there is none. @throws InputError for both or neither. */
export function requireValueOrReason({ measured, reason }: Pick<Figure, "measured" | "reason">, where: string): void {
  if ((measured === null) !== (reason === null)) return;
  throw new InputError(`${where}: expected a measured value or a reason, and not both.`);
}

/** The value in its form. @throws InputError with `title` and the first place that is malformed. */
export function readShape<T>(shape: z.ZodType<T>, value: unknown, title: string): T {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new InputError(`${title}: ${issue?.path.join(".") || "top level"}: ${issue?.message ?? "malformed"}.`);
}
