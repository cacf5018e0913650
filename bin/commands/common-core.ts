import { Command } from "commander";
import { type AskFlags, ask, collect, withAskOptions } from "./question.ts";
import { table } from "./table.ts";

type Flags = AskFlags & { date?: string; jurisdiction?: readonly string[]; clientClass?: string; entityClass?: string };
type Requirement = {
  jurisdiction: string;
  ruleId: string;
  operator: string;
  threshold: string;
  unit: string;
  unconfirmed: boolean;
};

type CommonCore = {
  date: string;
  roles: { jurisdiction: string; clientClass: string | null; entityClass: string | null }[];
  common: number;
  disputed: number;
  entries: {
    metric: string;
    underlierClasses: string[];
    requirements: Requirement[];
    strictest: Requirement | null;
    reason: string | null;
    isCommon: boolean;
    isAgreed: boolean;
    prohibitedIn: string[];
  }[];
};

const REQUIREMENT = `{ jurisdiction ruleId title operator threshold unit unconfirmed evaluation
  citation { instrument provision source } }`;
const QUESTION = `query($date: String, $jurisdictions: [String!], $clientClass: String, $entityClass: String) {
  commonCore(date: $date, jurisdictions: $jurisdictions, clientClass: $clientClass, entityClass: $entityClass) {
    date rulebookHash roles { jurisdiction clientClass entityClass } common disputed
    entries {
      metric underlierClasses collateralClasses requirements ${REQUIREMENT} strictest ${REQUIREMENT} reason
      isCommon isAgreed prohibitedIn
    }
  }
}`;

/** `plumbline common-core`: what jurisdictions all require, and where they disagree. */
export function commonCoreCommand(): Command {
  const command = new Command("common-core")
    .description("what the selected jurisdictions all require of a class, metric by metric, and where they disagree")
    .option("--date <day>", "apply the rules of this UTC day; today when absent")
    .option("--jurisdiction <code>", "only this jurisdiction; may be repeated", collect)
    .option("--client-class <class>", "the client class; retail when absent")
    .option("--entity-class <class>", "an entity class such as bank, instead of a client class");
  return withAskOptions(command).action(async (flags: Flags) => {
    const variables = {
      date: flags.date ?? null,
      jurisdictions: flags.jurisdiction ?? null,
      clientClass: flags.clientClass ?? null,
      entityClass: flags.entityClass ?? null,
    };
    const { commonCore } = (await ask(flags.url, { query: QUESTION, variables })) as { commonCore: CommonCore };
    process.stdout.write(flags.json === true ? `${JSON.stringify(commonCore)}\n` : report(commonCore));
  });
}

function report(core: CommonCore): string {
  const roles = core.roles.map((role) => `${role.jurisdiction} ${role.clientClass ?? role.entityClass ?? ""}`.trim());
  const asks = ({ operator, threshold, unit, unconfirmed }: Requirement) =>
    `${operator} ${threshold} ${unit}${unconfirmed ? "*" : ""}`;
  return [
    `rules of ${core.date}: ${roles.join(", ")}`,
    `${core.common} required by all, ${core.disputed} with different parameters; * unconfirmed`,
    "",
    table(
      ["metric", "of", "all", "keeps all", "required by", "prohibited in"],
      core.entries.map((entry) => [
        entry.metric,
        entry.underlierClasses.length === 9 ? "everything" : entry.underlierClasses.join(", "),
        entry.isCommon ? "yes" : "no",
        entry.strictest === null ? (entry.reason ?? "-") : asks(entry.strictest),
        entry.requirements.map((requirement) => `${requirement.jurisdiction} ${asks(requirement)}`).join("; "),
        entry.prohibitedIn.join(", "),
      ]),
    ),
  ].join("\n");
}
