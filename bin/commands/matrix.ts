import { Command } from "commander";
import { type AskFlags, ask, collect, withAskOptions } from "./question.ts";
import { amount, table } from "./table.ts";

type Flags = AskFlags & {
  date?: string;
  jurisdiction?: readonly string[];
  clientClass?: readonly string[];
  entityClass?: readonly string[];
};

type Cell = {
  ruleId: string;
  title: string;
  jurisdiction: string;
  outcome: string;
  operator: string;
  threshold: string;
  measured: string | null;
  reason: string | null;
  headroom: string | null;
  headroomReason: string | null;
  decimals: number;
  unit: string;
  unconfirmed: boolean;
  citation: { instrument: string; provision: string; source: string };
};

type Summary = {
  outcome: string;
  prohibited: boolean;
  allowedLeverage: string | null;
  missing: string[];
  binding: Cell | null;
};
type Row = Summary & { jurisdiction: string; clientClass: string | null; entityClass: string | null };

type Matrix = {
  subject: string;
  date: string;
  asOf: { chain: string; blockNumber: string };
  positions: { symbol: string; side: string; notional: string | null; reason: string | null }[];
  rows: Row[];
  strictest: Summary & { jurisdictions: string[] };
};

const CELL = `ruleId title jurisdiction outcome prohibited condition metric operator threshold measured reason headroom
  headroomReason decimals unit unconfirmed confidence citation { instrument provision source }`;

const QUESTION = `query($subject: String!, $date: String, $jurisdictions: [String!], $clientClasses: [String!], $entityClasses: [String!]) {
  matrix(subject: $subject, date: $date, jurisdictions: $jurisdictions, clientClasses: $clientClasses, entityClasses: $entityClasses) {
    subject account date rulebookHash asOf positions { id symbol underlier side notional reason }
    rows {
      jurisdiction clientClass entityClass outcome prohibited allowedLeverage missing
      leverageCaps { underlier allowedLeverage prohibited reason ruleId }
      binding { ${CELL} }
    }
    strictest { outcome prohibited allowedLeverage missing jurisdictions binding { ${CELL} } }
  }
}`;

/** `plumbline matrix`: one account or position under the rules of many jurisdictions. */
export function matrixCommand(): Command {
  const command = new Command("matrix")
    .description("one account or position under the rules of many jurisdictions, as if its holder were in each class")
    .argument("<subject>", "an account like eip155:901:0x… or the id of an open position")
    .option("--date <day>", "apply the rules of this UTC day; the block's own when absent")
    .option("--jurisdiction <code>", "only this jurisdiction; may be repeated", collect)
    .option(
      "--client-class <class>",
      "only this client class; retail means the most protected; may be repeated",
      collect,
    )
    .option("--entity-class <class>", "also as an entity of this class, such as bank; may be repeated", collect);
  return withAskOptions(command).action(async (subject: string, flags: Flags) => {
    const variables = {
      subject,
      date: flags.date ?? null,
      jurisdictions: flags.jurisdiction ?? null,
      clientClasses: flags.clientClass ?? null,
      entityClasses: flags.entityClass ?? null,
    };
    const { matrix } = (await ask(flags.url, { query: QUESTION, variables })) as { matrix: Matrix };
    process.stdout.write(flags.json === true ? `${JSON.stringify(matrix)}\n` : report(matrix));
  });
}

function report(matrix: Matrix): string {
  const held = matrix.positions.map(
    (p) => `${p.symbol} ${p.side}, ${p.notional === null ? (p.reason ?? "") : `${amount(p.notional, 18)} USD`}`,
  );
  const cells = [...matrix.rows, matrix.strictest].flatMap(({ binding }) => (binding === null ? [] : [binding]));
  const rules = [...new Map(cells.map((cell) => [cell.ruleId, cell])).values()];
  return [
    `${matrix.subject}`,
    `block ${matrix.asOf.blockNumber} of ${matrix.asOf.chain}, rules of ${matrix.date}; hypothetical, nothing is recorded`,
    held.length === 0 ? "no open position" : held.join("; "),
    "",
    table(
      ["jurisdiction", "class", "outcome", "leverage", "measured", "rule asks", "headroom", "rule"],
      matrix.rows.map((row) => [row.jurisdiction, row.clientClass ?? row.entityClass ?? "-", ...answer(row)]),
    ),
    `strictest: ${strictest(matrix)}`,
    "",
    ...rules.map(cited),
    "",
  ].join("\n");
}

function answer({ outcome, prohibited, allowedLeverage, binding }: Summary): string[] {
  const cap =
    allowedLeverage === "0" || prohibited ? "prohibited" : allowedLeverage === null ? "-" : `${allowedLeverage}:1`;
  if (binding === null) return [outcome, cap];
  const { measured, reason, decimals, headroom, headroomReason, operator, threshold, unit } = binding;
  return [
    outcome,
    cap,
    measured === null ? (reason ?? "-") : amount(measured, decimals),
    `${operator} ${threshold} ${unit}`,
    headroom === null ? (headroomReason ?? "-") : amount(headroom, decimals),
    `${binding.ruleId}${binding.unconfirmed ? " *" : ""}`,
  ];
}

function strictest({ strictest: found }: Matrix): string {
  const where = found.jurisdictions.length === 0 ? "" : ` in ${found.jurisdictions.join(", ")}`;
  const binds = found.binding === null ? "" : `; ${found.binding.ruleId} binds`;
  const missing = found.missing.length === 0 ? "" : `; missing ${found.missing.join(", ")}`;
  return `${found.outcome}${where}${binds}${missing}`;
}

function cited({ ruleId, title, unconfirmed, citation }: Cell): string {
  const mark = unconfirmed ? "\n    * unconfirmed: the number was not read in a primary text" : "";
  const source = citation.source === "" ? "" : `\n    ${citation.source}`;
  return `${ruleId}  ${title}\n    ${citation.instrument}, ${citation.provision}${source}${mark}`;
}
