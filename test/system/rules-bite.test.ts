import { beforeAll, describe, expect, test } from "vitest";
import { startDevnet } from "../../devnet/devnet.ts";
import { VARIANTS, type VariantName } from "../../devnet/market/variants.ts";
import type { Condition } from "../../src/core/assessment.ts";
import type { BlockOutcome } from "../../src/core/book/pending.ts";
import { countByEvaluation } from "../../src/core/rules/rule.ts";
import { readRulebooks } from "../../src/files/rulebooks.ts";
import { foldChain } from "../support/chain-fold.ts";

const HISTORY = 96;
const NAMES = Object.keys(VARIANTS) as VariantName[];
/** How many rules must come out both ways, and how many of those carried must be evaluated at all. */
const LEAST_BOTH_WAYS = 40;
const LEAST_EVALUATED = 70;

const rulebook = readRulebooks("rulebooks");
/** The protocols' own maintenance rules and that of custody are ours and stand beside the law. */
const inLaw = rulebook.rules.filter(({ jurisdiction }) => jurisdiction !== "PROTOCOL");

/** What was measured and compared, by rule; `quiet` also holds conditions that stand because there was nothing to measure. */
type Seen = { measured: Set<Condition>; quiet: Set<Condition>; variants: Set<VariantName> };

describe("histories that the real contracts produced", () => {
  const seen = new Map<string, Seen>();
  const blocks = new Map<VariantName, number>();

  beforeAll(async () => {
    for (const name of NAMES) await play(name);
    report();
  }, 900_000);

  async function play(variant: VariantName): Promise<void> {
    const devnet = await startDevnet({ variant, historyBlocks: HISTORY });
    try {
      for (const { chainId, url } of devnet.chains) {
        const onBlock = (outcome: BlockOutcome) => {
          blocks.set(variant, (blocks.get(variant) ?? 0) + 1);
          note(variant, outcome);
        };
        await foldChain({ url, chainId, deployment: devnet.deployment, rulebook, onBlock });
      }
    } finally {
      await devnet.stop();
    }
  }

  function note(variant: VariantName, { assessments }: BlockOutcome): void {
    for (const { ruleId, condition, measured } of assessments) {
      const of = seen.get(ruleId) ?? { measured: new Set(), quiet: new Set(), variants: new Set() };
      (measured === null ? of.quiet : of.measured).add(condition);
      of.variants.add(variant);
      seen.set(ruleId, of);
    }
  }

  function bothWays(): string[] {
    return inLaw.map(({ id }) => id).filter((id) => has(id, "met") && has(id, "not_met"));
  }

  function has(id: string, condition: Condition): boolean {
    return seen.get(id)?.measured.has(condition) ?? false;
  }

  function report(): void {
    const counts = countByEvaluation({ ...rulebook, rules: inLaw });
    const lines = [
      `${inLaw.length} rules: ${counts.computed} computed, ${counts["needs-fact"]} needs-fact, ${counts["not-yet"]} not-yet.`,
      `Both met and not met (${bothWays().length}): ${bothWays().join(", ")}.`,
      ...(["met", "not_met"] as const).map((only) => {
        const ids = inLaw.map(({ id }) => id).filter((id) => has(id, only) && !bothWays().includes(id));
        return `Only ${only} (${ids.length}): ${ids.join(", ")}.`;
      }),
    ];
    console.log(lines.join("\n"));
  }

  test("have rules of every jurisdiction, most of them evaluated", () => {
    const counts = countByEvaluation({ ...rulebook, rules: inLaw });
    expect(inLaw.length).toBe(135);
    expect(counts.computed + counts["needs-fact"]).toBeGreaterThanOrEqual(LEAST_EVALUATED);
    for (const name of NAMES) expect(blocks.get(name)).toBeGreaterThan(2 * HISTORY);
  });

  test(`bring at least ${LEAST_BOTH_WAYS} rules both to be met and not to be, on measured values`, () => {
    expect(bothWays().length).toBeGreaterThanOrEqual(LEAST_BOTH_WAYS);
  });

  test("break and keep the caps of every class of underlier", () => {
    const caps = ["FX_MAJOR", "FX_MINOR_GOLD_MAJOR_INDEX", "COMMODITY_EX_GOLD_MINOR_INDEX", "EQUITY_OTHER", "CRYPTO"];
    const ids = caps.flatMap((cap) => [`EU-CFD-LEV-${cap}`, `AU-CFD-LEV-${cap}`]);
    expect(ids.filter((id) => !bothWays().includes(id))).toEqual([]);
  });

  test("never assess a rule that waits for its metric", () => {
    const waiting = rulebook.rules.filter(({ evaluation }) => evaluation === "not-yet").map(({ id }) => id);
    expect(waiting.length).toBeGreaterThan(0);
    expect(waiting.filter((id) => seen.has(id))).toEqual([]);
  });

  test("need more than the crash: some rules come out the other way in other plots only", () => {
    for (const id of [
      "INT-PFMI-P8-FINALITY",
      "CH-UMR-DAILY-REVAL",
      "EU-UMR-IM-THRESHOLD",
      "HK-VA-COLLATERAL-FRR-100",
    ]) {
      expect({ id, bothWays: bothWays().includes(id) }).toEqual({ id, bothWays: true });
    }
  });
});
