import { Command } from "commander";
import { type AskFlags, ask, collect, withAskOptions } from "./question.ts";
import { amount, leverage, table } from "./table.ts";

type Flags = AskFlags & { date?: string; jurisdiction?: readonly string[]; clientClass: string };
type Tally = { count: number; unpriced: number; notional: string };
type Cap = { jurisdiction: string; allowedLeverage: string | null; prohibited: boolean; unconfirmed: boolean | null };

type JurisdictionTally = Record<"compliant" | "breach" | "indeterminate" | "notApplicable", Tally> & {
  jurisdiction: string;
  clientClass: string | null;
};

type Divergence = {
  date: string;
  decimals: number;
  positions: Tally;
  divergent: Tally;
  jurisdictions: JurisdictionTally[];
  pairs: (Tally & { passesIn: string; failsIn: string })[];
  gaps: {
    underlier: string;
    underlierClass: string;
    open: Tally;
    min: string | null;
    max: string | null;
    gap: string | null;
    uncapped: number;
    allowances: Cap[];
    history: { from: string; gap: string | null }[];
  }[];
};

const TALLY = "{ count unpriced notional }";
const QUESTION = `query($date: String, $jurisdictions: [String!], $clientClass: String) {
  divergence(date: $date, jurisdictions: $jurisdictions, clientClass: $clientClass) {
    date rulebookHash asOf unit decimals positions ${TALLY} divergent ${TALLY}
    jurisdictions {
      jurisdiction clientClass compliant ${TALLY} breach ${TALLY} indeterminate ${TALLY} notApplicable ${TALLY}
    }
    pairs { passesIn failsIn count unpriced notional }
    largest { id symbol side notional outcomes { jurisdiction outcome prohibited ruleId } }
    gaps {
      underlier underlierClass kind open ${TALLY} min max gap uncapped
      allowances { jurisdiction clientClass allowedLeverage prohibited reason ruleId unconfirmed }
      history { from min max gap }
    }
  }
}`;

/** Pairs of jurisdictions shown, at most; the JSON has all. */
const PAIRS_SHOWN = 12;

/** `plumbline divergence`: where open positions pass in one jurisdiction and fail in another. */
export function divergenceCommand(): Command {
  const command = new Command("divergence")
    .description("open positions that pass in one jurisdiction and fail in another, and the gap in allowed leverage")
    .option("--date <day>", "apply the rules of this UTC day; the latest block's when absent")
    .option("--jurisdiction <code>", "only this jurisdiction; may be repeated", collect)
    .option("--client-class <class>", "the class every holder is supposed to be in", "retail");
  return withAskOptions(command).action(async (flags: Flags) => {
    const variables = {
      date: flags.date ?? null,
      jurisdictions: flags.jurisdiction ?? null,
      clientClass: flags.clientClass,
    };
    const { divergence } = (await ask(flags.url, { query: QUESTION, variables })) as { divergence: Divergence };
    process.stdout.write(flags.json === true ? `${JSON.stringify(divergence)}\n` : report(divergence));
  });
}

function report(divergence: Divergence): string {
  const { positions, divergent, decimals } = divergence;
  const tally = ({ count, notional, unpriced }: Tally) =>
    `${count} (${amount(notional, decimals)} USD${unpriced === 0 ? "" : `, ${unpriced} unpriced`})`;
  return [
    `rules of ${divergence.date}; hypothetical, nothing is recorded`,
    `open positions: ${tally(positions)}; pass somewhere and fail elsewhere: ${tally(divergent)}`,
    "",
    table(
      ["jurisdiction", "class", "compliant", "breach", "indeterminate", "not applicable"],
      divergence.jurisdictions.map((j) => [
        j.jurisdiction,
        j.clientClass ?? "-",
        tally(j.compliant),
        tally(j.breach),
        tally(j.indeterminate),
        tally(j.notApplicable),
      ]),
    ),
    table(
      ["passes in", "fails in", "positions"],
      divergence.pairs.slice(0, PAIRS_SHOWN).map((pair) => [pair.passesIn, pair.failsIn, tally(pair)]),
    ),
    table(
      ["underlier", "class", "open", "least", "most", "gap", "allowed leverage (* unconfirmed)"],
      divergence.gaps.map((gap) => [
        gap.underlier,
        gap.underlierClass,
        tally(gap.open),
        gap.min ?? "-",
        gap.max ?? "-",
        gap.gap ?? "-",
        gap.allowances.map((cap) => `${cap.jurisdiction} ${leverage(cap)}${cap.unconfirmed ? "*" : ""}`).join(", "),
      ]),
    ),
    "the gap over time, as the rules came and went:",
    ...divergence.gaps.map(
      ({ underlier, history }) =>
        `  ${underlier}  ${history.map((step) => `${step.gap ?? "-"} from ${step.from}`).join(", ")}`,
    ),
    "",
  ].join("\n");
}
