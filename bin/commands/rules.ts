import { Command } from "commander";
import { InputError } from "../../src/core/errors.ts";
import { type ListedRule, type Listing, listRules } from "../../src/core/harmonization/listing.ts";
import { isDay } from "../../src/core/rules/day.ts";
import { readRulebooks } from "../../src/files/rulebooks.ts";
import { collect } from "./question.ts";
import { table } from "./table.ts";

type Flags = {
  rulebooks: string;
  jurisdiction?: readonly string[];
  evaluation?: string;
  metric?: string;
  date?: string;
  json?: boolean;
};

/** `plumbline rules`: reads a folder of rulebooks, which checks it, and lists it. Needs nothing running. */
export function rulesCommand(): Command {
  return new Command("rules")
    .description("check a folder of rulebooks and list its rules; exit code 2 with one sentence when it is refused")
    .argument("[id...]", "only these rules, with everything they say")
    .option("--rulebooks <folder>", "the folder", "rulebooks")
    .option("--jurisdiction <code>", "only this jurisdiction; may be repeated", collect)
    .option("--evaluation <word>", "only computed, needs-fact or not-yet")
    .option("--metric <id>", "only rules by this metric")
    .option("--date <day>", "only rules in force on this UTC day")
    .option("--json", "print the list as JSON")
    .action((ids: readonly string[], flags: Flags) => {
      if (flags.date !== undefined && !isDay(flags.date)) {
        throw new InputError(`--date "${flags.date}" is not a UTC day like 2026-04-02.`);
      }
      const { jurisdiction: jurisdictions, evaluation, metric, date } = flags;
      const listing = listRules(readRulebooks(flags.rulebooks), { jurisdictions, evaluation, metric, date, ids });
      const text = flags.json === true ? `${JSON.stringify(listing)}\n` : report(listing, ids.length > 0);
      process.stdout.write(text);
    });
}

function report(listing: Listing, inFull: boolean): string {
  return [
    inFull ? listing.rules.map(full).join("\n") : list(listing.rules),
    `${listing.total} rules: ${listing.computed} computed, ${listing.needsFact} need facts, ${listing.notYet} not yet; ` +
      `${listing.unconfirmed} unconfirmed (*)`,
    `rulebook ${listing.rulebookHash} (${listing.version})`,
    "",
  ].join("\n");
}

function list(rules: readonly ListedRule[]): string {
  return table(
    ["rule", "asks", "tested", "evaluation", "class", "in force"],
    rules.map((rule) => [
      `${rule.id}${rule.unconfirmed ? " *" : ""}`,
      `${rule.metric} ${rule.operator} ${rule.threshold} ${rule.unit}`,
      rule.testPoint,
      rule.evaluation,
      [...(rule.clientClasses ?? []), ...(rule.entityClasses ?? [])].join(", "),
      `${rule.effectiveFrom ?? ""} to ${rule.effectiveTo ?? ""}`.trim(),
    ]),
  );
}

function full(rule: ListedRule): string {
  const { citation, ...rest } = rule;
  const lines = Object.entries({ ...rest, ...citation }).map(([name, value]) => {
    const text = Array.isArray(value) ? value.join(", ") : String(value ?? "-");
    return `  ${name.padEnd(16)} ${text === "" ? "-" : text}`;
  });
  return `${rule.id}\n${lines.join("\n")}\n`;
}
