import { describe, expect, it } from "vitest";
import type { Assessment } from "../../../src/core/assessment.ts";
import { InputError } from "../../../src/core/errors.ts";
import { asQuestions } from "../../../src/core/rules/assess.ts";
import { parametersOf } from "../../../src/core/rules/parameters.ts";
import { reassess } from "../../../src/core/rules/reassess.ts";
import { BOOK, ruleOf, wad } from "./figures.ts";

const ONE = wad(1n).toString();

/** What a verifier is given of an assessment, as far as it reads it. */
function recorded(
  ruleId: string,
  inputs: Record<string, bigint | string>,
  change: Partial<Assessment> = {},
): Assessment {
  const texts = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, value.toString()]));
  const about = { ruleId, rulebookHash: BOOK.hash, testPoint: "day:2026-04-02", reason: null, unit: "ratio" };
  const block = { blockNumber: "100", blockTimestamp: "1775131200" };
  return { id: "0".repeat(64), ...about, ...block, inputs: texts, ...change } as Assessment;
}

const FX = {
  "fx.numerator": ONE,
  "fx.numeratorBlock": "7",
  "fx.denominator": (wad(108n) / 100n).toString(),
  "fx.denominatorBlock": "9",
};
const SCHEDULE = { netReplacement: 0n, grossReplacement: 0n, collateral: 0n };
const MARGIN = { "notional.crypto": wad(1_000n), "rate.crypto": (wad(15n) / 100n).toString(), ...SCHEDULE };
const EURO = { unit: "EUR" };
const SHOCKS = ["down-20", "down-30", "down-50", "up-30", "up-50"];
const losses = (names: readonly string[]) =>
  Object.fromEntries(["loss1", "loss2", "loss3"].flatMap((loss) => names.map((name) => [`${loss}.${name}`, wad(2n)])));

describe("parameters of the rulebook among the inputs", () => {
  it("are those of the schedule, and the amount is in the rule's currency", () => {
    const again = reassess(BOOK, recorded("EU-UMR-IM-THRESHOLD", { ...MARGIN, ...FX }, EURO));
    // 15 % of 1000, over 1.08, rounded up.
    expect(again).toMatchObject({ measured: "138888888888888888889", unit: "EUR", condition: "met" });
    const low = reassess(BOOK, recorded("AE-ADGM-COVER", { prefunded: wad(3n), ...losses(SHOCKS) }));
    expect(low).toMatchObject({ measured: "750000000000000000", condition: "not_met" });
  });

  it("may be unknown for want of a rate of the currency", () => {
    const unknown = recorded("EU-UMR-IM-THRESHOLD", {}, { ...EURO, reason: "NO_PRICE" });
    expect(reassess(BOOK, unknown)).toMatchObject({ measured: null, unit: "EUR", condition: "unknown" });
  });

  it.each<[string, Assessment]>([
    ["another rate", recorded("EU-UMR-IM-THRESHOLD", { ...MARGIN, "rate.crypto": "1", ...FX }, EURO)],
    ["no conversion where the rule has a currency", recorded("EU-UMR-IM-THRESHOLD", MARGIN, EURO)],
    ["another currency", recorded("EU-UMR-IM-THRESHOLD", { ...MARGIN, ...FX }, { unit: "CHF" })],
    ["another currency of an unknown", recorded("EU-UMR-IM-THRESHOLD", {}, { unit: "CHF", reason: "NO_PRICE" })],
    [
      "a price younger than the block",
      recorded("EU-UMR-IM-THRESHOLD", { ...MARGIN, ...FX, "fx.denominatorBlock": "101" }, EURO),
    ],
    ["a dollar that is not one", recorded("US-CFTC-IM-THRESHOLD", { ...MARGIN, ...FX }, { unit: "USD" })],
    [
      "a conversion where the rule has none",
      recorded("EU-CFD-NBP", { "equity.cross": 1n, ...FX }, { testPoint: "end", unit: "EUR" }),
    ],
    ["a scenario too few", recorded("AE-ADGM-COVER", { prefunded: 1n, ...losses(SHOCKS.slice(1)) })],
    ["a scenario of our own", recorded("AE-ADGM-COVER", { prefunded: 1n, ...losses([...SHOCKS, "calm"]) })],
    ["an asset of a class the rule does not look at", recorded("EU-CRR3-RW-1250", { class: 0n })],
    ["an asset of no class", recorded("EU-CRR3-RW-1250", { class: 99n })],
    ["a rule that waits for its metric", recorded("EU-UMR-MTA", {}, { reason: "NO_PRICE" })],
  ])("are refused where there is %s", (_, assessment) => {
    expect(() => reassess(BOOK, assessment)).toThrow(InputError);
  });
});

describe("what rules share", () => {
  const shares = (...ids: string[]) => asQuestions(ids.map(ruleOf), "end").map(({ share, twin }) => [share, twin]);

  it("is a measurement by the same metric and parameters, and a condition by the same threshold", () => {
    expect(shares("EU-CFD-NBP", "UK-CFD-NBP", "AU-CFD-NBP")).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    expect(shares("EU-CFD-CLOSEOUT-50", "AU-CFD-CLOSEOUT-50", "UK-CFD-CLOSEOUT-50").map(([share]) => share)).toEqual([
      0, 0, 1,
    ]);
  });

  it("is no measurement in another currency, of other collateral or of another scope", () => {
    const apart = (metric: string, ...ids: string[]) => {
      const keys = ids.map((id) => parametersOf(ruleOf(id), metric as never).key);
      expect(new Set(keys).size).toBe(ids.length);
    };
    apart("CPT.UNMARGINED_IM", "EU-UMR-IM-THRESHOLD", "CH-UMR-IM-THRESHOLD", "US-CFTC-IM-THRESHOLD");
    apart("ACC.COLLATERAL_HAIRCUT", "US-UMR-HAIRCUT-GOLD", "US-FCM-CRYPTO-CHARGE", "US-FCM-STABLE-CHARGE");
    apart("ACC.RETAIL_CRYPTO_DERIV_NOTIONAL", "UK-CRYPTO-DERIV-BAN", "HK-PERP-PI-ONLY");
  });
});
