/** The list of all rules as the documentation has it. */
import type { NamedJson, Rule, Rulebook } from "../../../src/core/rules/rule.ts";
import { countByEvaluation, unconfirmed } from "../../../src/core/rules/rule.ts";

const INTRODUCTION = `# List of rules

Every rule of the rulebook, generated from its files. *Unconfirmed* is what was not read in a primary text; the letter is
where it was read ([rules](rules.md)). *State*: \`computed\` from the chain alone, \`needs-fact\` where a verdict needs to
know whom it is about, \`not-yet\` where the figure does not exist here and the answer is unknown.`;

/** Markdown of the list: a table a file, in the files' order. */
export function ruleList(book: Rulebook, files: readonly NamedJson[]): string {
  const counts = countByEvaluation(book);
  const sections = files.flatMap(({ json }) => {
    const { jurisdiction, name } = json as { jurisdiction?: string; name?: string };
    if (jurisdiction === undefined) return [];
    const rows = book.rules.filter((rule) => rule.jurisdiction === jurisdiction).map(row);
    return [[`## ${name}`, "", ...HEAD, ...rows].join("\n")];
  });
  const total = `${book.rules.length} rules: ${counts.computed} computed, ${counts["needs-fact"]} needs-fact, ${counts["not-yet"]} not-yet.`;
  return `${[INTRODUCTION, total, ...sections].join("\n\n")}\n`;
}

const HEAD = [
  "| rule | what it asks | of whom | tested | from – to | text | read | state |",
  "|---|---|---|---|---|---|---|---|",
];

function row(rule: Rule): string {
  const { legalBasis, effectiveFrom, effectiveTo } = rule;
  const days = effectiveTo === null ? (effectiveFrom ?? "–") : `${effectiveFrom ?? ""} – ${effectiveTo}`;
  const cells = [
    `\`${rule.id}\``,
    `${rule.title}: ${rule.metric} ${rule.operator} ${rule.threshold}${rule.unit === "ratio" ? "" : ` ${rule.unit}`}`,
    (rule.clientClasses ?? rule.entityClasses ?? [rule.subject]).join(", "),
    rule.testPoint,
    days,
    `${legalBasis.instrument}, ${legalBasis.provision}`,
    unconfirmed(rule) ? `${rule.confidence}, *unconfirmed*` : rule.confidence,
    rule.evaluation,
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
