/**
 * The tables and scenarios a rule names, worked out once when the rulebook is read. Rates have 18 decimals.
 */
import type { CollateralClass } from "../collateral-class.ts";
import { InputError } from "../errors.ts";
import { parseDecimal, WAD } from "../fixed.ts";
import { isMetricId, METRICS } from "../metrics/catalogue.ts";
import type { RulebookFile, RuleRow, ScenarioFile } from "./rule-row.ts";
import { TOKEN_WORDS, UNDERLIER_WORDS, type UnderlierClass } from "./words.ts";

const WAD_DECIMALS = 18;

/** An initial-margin rate by underlier class, 18 decimals. */
export type Rates = ReadonlyMap<UnderlierClass, bigint>;

/** A haircut by class of collateral, 18 decimals, from 0 to 1. A class that is missing has none stated. */
export type Haircuts = ReadonlyMap<CollateralClass, bigint>;

/** Shocks by scenario, 18 decimals: −0.2·10^18 is a fall by a fifth of every price but the settlement asset's. */
export type Shocks = ReadonlyMap<string, bigint>;

/** Throws an InputError that names file and rule before the sentence. */
export type Fail = (sentence: string) => never;

/** Where a row stands: its file, the scenarios of all files, and how to refuse it. */
export type Place = { file: RulebookFile; scenarios: ReadonlyMap<string, Shocks>; fail: Fail };

/** A decimal string with 18 decimals. */
export function decimal(text: string, fail: () => never): bigint {
  try {
    return parseDecimal(text, WAD_DECIMALS);
  } catch {
    return fail();
  }
}

/** The initial-margin rates the rule names, by canonical underlier class; null where its metric takes none. */
export function ratesOf(row: RuleRow, place: Place): Rates | null {
  const { initialMarginRates: name } = row;
  const { fail } = place;
  if (name === undefined) {
    const takesRates = isMetricId(row.metric) && METRICS[row.metric].variants[0].inputs.includes("rate.*");
    return takesRates && row.evaluation !== "not-yet" ? fail(`${row.metric} needs initialMarginRates`) : null;
  }
  const listed = part(name, "rates", place);
  const rates = new Map<UnderlierClass, bigint>();
  for (const [word, text] of Object.entries(listed)) {
    const rate = decimal(text ?? "", () => fail(`rate "${text}" of ${word} is not a decimal string like "0.50"`));
    for (const underlierClass of UNDERLIER_WORDS[word] ?? []) {
      if (rates.has(underlierClass)) fail(`table "${name}" has two rates for ${underlierClass}`);
      rates.set(underlierClass, rate);
    }
  }
  return rates;
}

/** The haircuts the rule names, by class of collateral; null where it names none. */
export function haircutsOf(row: RuleRow, place: Place): Haircuts | null {
  if (row.haircuts === undefined) return null;
  const haircuts = new Map<CollateralClass, bigint>();
  for (const [name, text] of Object.entries(part(row.haircuts, "haircuts", place))) {
    const refuse = () => place.fail(`haircut "${text}" of ${name} is not a decimal string from "0" to "1"`);
    const haircut = decimal(text ?? "", refuse);
    if (haircut < 0n || haircut > WAD) refuse();
    haircuts.set(name as CollateralClass, haircut);
  }
  return haircuts;
}

/** The classes of collateral in the table of eligible ones that the rule names; null where it names none. */
export function eligibleOf(row: RuleRow, place: Place): ReadonlySet<CollateralClass> | null {
  return row.eligible === undefined ? null : new Set(part(row.eligible, "eligible", place));
}

/**
 * The classes of collateral a rule looks at: those it lists, else those its scope's words for tokens select; null for
 * all. An empty set means tokens of a kind that nothing followed belongs to.
 */
export function collateralOf(row: RuleRow): ReadonlySet<CollateralClass> | null {
  if (row.collateral !== undefined) return new Set(row.collateral);
  const words = row.scope.underlierClasses.filter((word) => Object.hasOwn(TOKEN_WORDS, word));
  return words.length === 0 ? null : new Set(words.flatMap((word) => TOKEN_WORDS[word] ?? []));
}

/** The shocks of the scenarios the rule names; null where it names none. */
export function shocksOf(row: RuleRow, { scenarios, fail }: Place): Shocks | null {
  if (row.scenarios === undefined) return null;
  return scenarios.get(row.scenarios) ?? fail(`scenarios "${row.scenarios}" are in no file`);
}

/** The scenarios of a scenario file by name. @throws InputError naming file, scenario and what was expected. */
export function scenariosOf(name: string, file: ScenarioFile): Map<string, Shocks> {
  const scenarios = new Map<string, Shocks>();
  for (const [title, { shocks }] of Object.entries(file.scenarios)) {
    const read = Object.entries(shocks).map(([key, text]): [string, bigint] => {
      const refuse = (): never => {
        throw new InputError(
          `Rulebook ${name}: scenarios ${title}: shock ${key} is "${text}"; expected a decimal string above "-1", like "-0.20".`,
        );
      };
      const shock = decimal(text, refuse);
      return shock <= -WAD ? refuse() : [key, shock];
    });
    if (read.length === 0) throw new InputError(`Rulebook ${name}: scenarios ${title}: expected at least one shock.`);
    scenarios.set(title, new Map(read));
  }
  return scenarios;
}

type Table = RulebookFile["tables"][string];

function part<K extends "rates" | "haircuts" | "eligible">(
  name: string,
  kind: K,
  { file, fail }: Place,
): NonNullable<Table[K]> {
  const table = file.tables[name];
  if (table === undefined) return fail(`table "${name}" is not in the file`);
  return table[kind] ?? fail(`table "${name}" has no ${kind}`);
}
