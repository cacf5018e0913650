/** What a bundle says, for reading. It is shown beside the result and believed by nobody: the links are what counts. */
import * as z from "zod";
import { formatDecimal } from "../../src/core/fixed.ts";
import { MAX_BYTES } from "../../src/core/proof/canonical.ts";
import { shown } from "../../src/core/proof/verification.ts";
import type { BlockName } from "./request.ts";

/** One line of what a bundle says. */
export type Fact = { term: string; value: string };

/** The block a bundle is about, and its statement in lines. */
export type Said = { block: BlockName; facts: readonly Fact[] };

const MOST_DECIMALS = 77;

/** The part that the assessment of a bundle and the figure of a figure proof have in common. */
const statement = z.object({
  chain: z.string().regex(/^eip155:[1-9]\d{0,14}$/),
  protocol: z.string(),
  subject: z.string(),
  account: z.string().nullable(),
  metric: z.string(),
  measured: z.string().nullable(),
  decimals: z.string().regex(/^\d{1,2}$/),
  unit: z.string(),
  reason: z.string().nullable(),
  testPoint: z.string(),
  blockNumber: z.string().regex(/^(0|[1-9]\d{0,19})$/),
  blockTimestamp: z.string().regex(/^\d{1,12}$/),
  ruleId: z.string().nullish(),
  operator: z.string().nullish(),
  threshold: z.string().nullish(),
  condition: z.string().nullish(),
  rulebookHash: z.string().nullish(),
  deploymentHash: z.string().nullish(),
});

const bundle = z.union([
  z.object({ assessment: z.object({ body: statement }) }).transform(({ assessment }) => assessment.body),
  z.object({ figure: statement }).transform(({ figure }) => figure),
]);

/** What the bytes of a bundle say, or null where they say nothing that can be read. */
export function readSaid(bytes: Uint8Array): Said | null {
  if (bytes.length > MAX_BYTES) return null;
  try {
    const parsed = bundle.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    return parsed.success ? { block: blockOf(parsed.data), facts: factsOf(parsed.data) } : null;
  } catch {
    return null;
  }
}

type Statement = z.infer<typeof statement>;

function blockOf({ chain, blockNumber }: Statement): BlockName {
  return { chain, number: blockNumber };
}

function factsOf(said: Statement): Fact[] {
  const seconds = Number(said.blockTimestamp);
  const lines: [string, string | null | undefined][] = [
    ["Subject", said.subject],
    ["Account", said.account === said.subject ? null : said.account],
    ["Protocol", said.protocol],
    ["Metric", said.metric],
    ["Value", amountOf(said)],
    ["Rule", said.ruleId],
    ["Condition", said.condition && `${said.condition} (${said.operator} ${said.threshold})`],
    ["Block", `${said.blockNumber} of ${said.chain}, ${new Date(seconds * 1_000).toISOString()}`],
    ["Tested", said.testPoint === "end" ? "at the end of the block" : said.testPoint],
    ["Deployment", said.deploymentHash],
    ["Rulebook", said.rulebookHash],
  ];
  return lines.flatMap(([term, value]) => (value ? [{ term, value: shown(value) }] : []));
}

function amountOf({ measured, decimals, unit, reason }: Statement): string {
  if (measured === null) return `unknown: ${reason}`;
  if (!/^-?\d{1,120}$/.test(measured) || Number(decimals) > MOST_DECIMALS) return measured;
  return `${formatDecimal(BigInt(measured), Number(decimals))} ${unit}`;
}
