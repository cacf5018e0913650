import { describe, expect, it } from "vitest";
import { ruleOf } from "./figures.ts";
import { THIRTY_RULES } from "./thirty-rules.ts";

describe("thirty rules typed by hand", () => {
  it("are thirty", () => {
    expect(new Set(THIRTY_RULES.map(([id]) => id)).size).toBe(30);
  });

  it.each(THIRTY_RULES)("%s is %s under %s", (id, threshold, provision) => {
    const rule = ruleOf(id);
    expect([rule.threshold, rule.legalBasis.provision]).toEqual([threshold, provision]);
  });
});
