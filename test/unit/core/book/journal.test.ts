import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Journal } from "../../../../src/core/book/journal.ts";
import { InvariantError } from "../../../../src/core/errors.ts";

type State = { map: Map<string, number>; set: Set<string>; list: number[]; record: { n: number } };
type Step = { kind: "set" | "delete" | "add" | "remove" | "put" | "push"; key: string; value: number };

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom("set", "delete", "add", "remove", "put", "push"),
  key: fc.constantFrom("a", "b", "c"),
  value: fc.integer({ min: 0, max: 9 }),
});

function fresh(): State {
  return { map: new Map(), set: new Set(), list: [], record: { n: 0 } };
}

function take(journal: Journal, state: State, { kind, key, value }: Step): void {
  if (kind === "set") journal.set(state.map, key, value);
  if (kind === "delete") journal.delete(state.map, key);
  if (kind === "add") journal.add(state.set, key);
  if (kind === "remove") journal.remove(state.set, key);
  if (kind === "put") journal.put(state.record, "n", value);
  if (kind === "push") journal.push(state.list, value);
}

function snapshot({ map, set, list, record }: State): string {
  return JSON.stringify([[...map].sort(), [...set].sort(), list, record]);
}

const name = (i: number) => String(i).padStart(4, "0");

describe("Journal", () => {
  it("restores the state at any mark it reaches, whatever was done since", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(step, { maxLength: 6 }), { minLength: 1, maxLength: 12 }),
        fc.nat(),
        (blocks, pick) => {
          const [journal, state] = [new Journal(), fresh()];
          const after: string[] = [];
          for (const [i, steps] of blocks.entries()) {
            journal.mark(name(i));
            for (const s of steps) take(journal, state, s);
            after.push(snapshot(state));
          }
          const back = pick % blocks.length;
          journal.undoTo(name(back));
          expect(snapshot(state)).toBe(after[back]);
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });

  it("undoFrom also takes back the mark itself, down to the empty state", () => {
    const [journal, state] = [new Journal(), fresh()];
    journal.mark("1");
    journal.set(state.map, "a", 1);
    journal.mark("2");
    journal.set(state.map, "a", 2);
    journal.undoFrom("2");
    expect(state.map.get("a")).toBe(1);
    journal.undoFrom("1");
    expect(state.map.size).toBe(0);
    expect(journal.last).toBeUndefined();
  });

  it("a forgotten mark cannot be undone, and says so", () => {
    const [journal, state] = [new Journal(), fresh()];
    for (const at of ["1", "2", "3"]) {
      journal.mark(at);
      journal.put(state.record, "n", Number(at));
    }
    journal.forget("2");
    expect(journal.reaches("1")).toBe(false);
    expect(() => journal.undoTo("1")).toThrow(InvariantError);
    journal.undoTo("2");
    expect(state.record.n).toBe(2);
  });

  it("marks must rise", () => {
    const journal = new Journal();
    journal.mark("2");
    expect(() => journal.mark("2")).toThrow(InvariantError);
    expect(() => journal.mark("1")).toThrow(InvariantError);
  });

  it("the generation grows with every undo, so that caches outside notice", () => {
    const journal = new Journal();
    journal.mark("1");
    const before = journal.generation;
    journal.undoFrom("1");
    expect(journal.generation).toBeGreaterThan(before);
  });

  it("what is done silently cannot be taken back", () => {
    const [journal, state] = [new Journal(), fresh()];
    journal.mark("1");
    journal.silently(() => journal.set(state.map, "a", 1));
    expect(journal.reaches("1")).toBe(false);
    expect(state.map.get("a")).toBe(1);
  });
});
