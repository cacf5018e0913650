import { describe, expect, test } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import {
  checkEpochPlace,
  differingMembers,
  differingRule,
  differingTrees,
  type EpochState,
  firstDifferingLeaf,
  isBodyOf,
  parseEpochBody,
  sentenceOf,
} from "../../../src/core/log/compare-epochs.ts";
import { firstDifference, printable } from "../../../src/core/log/json-difference.ts";
import { epochLeaf } from "../../../src/core/proof/leaf.ts";
import { rulebookHash } from "../../../src/core/rules/digest.ts";
import { Operator, rulebookOf } from "../../support/operator.ts";

const epoch = new Operator({ balances: [10, 20], threshold: 5 }).epoch();
const body = parseEpochBody(epoch);

describe("the first difference of two JSON values", () => {
  test.each([
    [{ a: "1" }, { a: "1" }, null],
    [{ b: "1", a: "2" }, { a: "3", b: "4" }, ["a", "2", "3"]],
    [{ a: { b: ["1", "2"] } }, { a: { b: ["1", "3"] } }, ["a.b[1]", "2", "3"]],
    [{ a: ["1"] }, { a: ["1", "2"] }, ["a[1]", null, "2"]],
    [{ a: "1" }, {}, ["a", "1", null]],
    [{ a: null }, {}, ["a", "null", null]],
    [{ a: null }, { a: "null" }, ["a", "null", "null"]],
    [{ a: {} }, { a: [] }, ["a", "{}", "[]"]],
    [{ a: { x: "1" } }, { a: "1" }, ["a", '{"x":"1"}', "1"]],
    ["x", "x", null],
    [undefined, "x", ["", null, "x"]],
  ])("of %j and %j", (theirs, ours, expected) => {
    const found = firstDifference(theirs, ours);
    expect(found === null ? null : [found.path, found.theirs, found.ours]).toEqual(expected);
  });

  test("goes through lists of named things by their names, so that one more does not shift the rest", () => {
    const [a, b, c] = ["a", "b", "c"].map((id) => ({ id, value: id }));
    expect(firstDifference([a, b] as never, [c, a, b] as never)?.path).toBe("[c]");
    expect(firstDifference([a, b] as never, [a, { ...b, value: "x" }] as never)?.path).toBe("[b].value");
    // Two of one name are gone through by their places.
    expect(firstDifference([a, a] as never, [a, b] as never)?.path).toBe("[1].id");
  });

  test("is shown without what a terminal would obey, and not at any length", () => {
    expect(printable("a\u001b[2Jb\nc")).toBe("a?[2Jb?c");
    expect(firstDifference("x".repeat(1_000), "y")?.theirs).toHaveLength(203);
  });
});

describe("two epochs", () => {
  test("differ in the members that are not alike, what they are made from before what comes out", () => {
    expect(differingMembers(body, body)).toEqual([]);
    const other = { ...body, stateRoot: body.assessmentRoot as string, rulebookHash: body.blockHash as string };
    expect(differingMembers(other, body).map(({ path }) => path)).toEqual(["rulebookHash", "stateRoot"]);
    const { collateralRoot: _, collateralCount: __, ...former } = body;
    const missing = differingMembers(former as typeof body, { ...body, later: "x" });
    expect(missing.map(({ path, theirs }) => [path, theirs])).toEqual([
      ["collateralRoot", null],
      ["collateralCount", null],
      ["later", null],
    ]);
    expect(differingTrees(missing)).toEqual(["collateral"]);
  });

  test("are read as text members only", () => {
    for (const wrong of [null, [], "x", { ...epoch, number: 1 }, { ...epoch, number: "01" }, { ...epoch, more: {} }]) {
      expect(() => parseEpochBody(wrong as never)).toThrow(InputError);
    }
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`m${i}`, "x"]));
    expect(() => parseEpochBody({ ...epoch, ...many })).toThrow(InputError);
  });

  test("are held against the chain and block of their leaf", () => {
    const leaf = epochLeaf(epoch);
    expect(isBodyOf(leaf, epoch)).toBe(true);
    expect(isBodyOf(leaf, { ...epoch, stateCount: "3" })).toBe(false);
    expect(() => checkEpochPlace(leaf, body)).not.toThrow();
    for (const other of [{ chain: "eip155:902" }, { toBlock: "63" }, { blockHash: body.stateRoot as string }]) {
      expect(() => checkEpochPlace(leaf, { ...body, ...other })).toThrow(InputError);
    }
  });
});

test("two rulebooks differ in the first rule and field, and only whole ones of their hash are compared", () => {
  const [theirs, ours] = [5, 6].map((threshold) => {
    const source = rulebookOf(threshold);
    return { hash: rulebookHash(source), source };
  }) as [{ hash: `0x${string}`; source: ReturnType<typeof rulebookOf> }, never];
  expect(differingRule(theirs, ours)).toEqual({ path: "eu.rules[R-MIN].threshold", theirs: "5", ours: "6" });
  expect(() => differingRule({ ...theirs, source: rulebookOf(7) }, ours)).toThrow(InputError);
  expect(() => differingRule(theirs, { ...(ours as typeof theirs), hash: theirs.hash } as never)).toThrow(InputError);
});

describe("the first different leaf of a tree", () => {
  async function* of(leaves: readonly EpochState[]): AsyncGenerator<EpochState> {
    yield* leaves;
  }
  const find = (theirs: readonly EpochState[], ours: readonly EpochState[]) =>
    firstDifferingLeaf("assessment", { theirs: of(theirs), ours: of(ours) });
  const leaf = (key: string, measured: string, id = "1"): EpochState => ({ key, state: { id, measured } });

  test("is the first key that one side has not, or that is not alike", async () => {
    const both = [leaf("a", "1"), leaf("c", "2")];
    expect(await find(both, both)).toBeNull();
    expect(await find([], [])).toBeNull();
    expect(await find([...both, leaf("d", "1")], both)).toMatchObject({ key: "d", path: "", ours: null });
    expect(await find(both, [leaf("a", "1"), leaf("b", "1"), leaf("c", "2")])).toMatchObject({
      key: "b",
      theirs: null,
    });
    expect(await find([leaf("a", "1"), leaf("c", "3")], both)).toEqual({
      ...{ tree: "assessment", key: "c", path: "measured", theirs: "3", ours: "2" },
    });
  });

  test("is one whose figures differ before one that differs only in the id of what it was made under", async () => {
    const theirs = [leaf("a", "1", "x"), leaf("b", "2", "x")];
    const ours = [leaf("a", "1", "y"), leaf("b", "3", "y")];
    expect(await find(theirs, ours)).toMatchObject({ key: "b", path: "measured" });
    expect(await find(theirs.slice(0, 1), ours.slice(0, 1))).toMatchObject({ key: "a", path: "id" });
  });
});

test("a difference is told in one line, with both values", () => {
  const members = differingMembers({ ...body, stateCount: "3" }, body);
  const told = sentenceOf(body, {
    members,
    rule: { path: "eu.rules[R-MIN].threshold", theirs: "5", ours: "6" },
    leaf: { tree: "state", key: "eip155:901/perp-v2/account:0x1", path: "collateral", theirs: "7", ours: null },
  });
  expect(told).toBe(
    "Epoch 0 of eip155:901 differs in stateCount: theirs 3, own 2. In the rulebook eu.rules[R-MIN].threshold differs: " +
      "theirs 5, own 6. First different leaf of the state tree: eip155:901/perp-v2/account:0x1, in it collateral: " +
      "theirs 7, own has none.",
  );
});
