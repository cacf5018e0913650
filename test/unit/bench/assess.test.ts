import { expect, it } from "vitest";
import { measureAssessment } from "../../../bench/assess.ts";

it("assesses as many accounts as asked, under every rule that is evaluated, and nearly always gets an answer", async () => {
  const cost = await measureAssessment(60, 1);
  expect(cost.accounts).toBe(60);
  expect(cost.rules).toBeGreaterThan(70);
  // Each account is asked some dozens of rules at least.
  expect(cost.evaluations).toBeGreaterThan(60 * 30);
  expect(cost.determinate).toBeLessThanOrEqual(cost.evaluations);
  expect(cost.determinate).toBeGreaterThan(0.8 * cost.evaluations);
  expect(cost.seconds).toBeGreaterThan(0);
}, 60_000);
