import { buildSchema, parse, validate } from "graphql";
import { describe, expect, test } from "vitest";
import { countItems, GRAPHQL_LIMITS, limitRule } from "../../../server/graphql/limits.ts";

const schema = buildSchema("type Query { a: Query b(list: [Int]): Int }");
const errors = (text: string) => validate(schema, parse(text), [limitRule]).length;

const nested = (depth: number) => `${"{ a ".repeat(depth - 1)}{ b }${" }".repeat(depth - 1)}`;

describe("limits of a question", () => {
  test("depth is counted through fragments", () => {
    expect(errors(nested(GRAPHQL_LIMITS.depth))).toBe(0);
    expect(errors(nested(GRAPHQL_LIMITS.depth + 1))).toBe(1);
    const hidden = `{ ...f } fragment f on Query ${nested(GRAPHQL_LIMITS.depth + 1)}`;
    expect(errors(hidden)).toBe(1);
  });

  test("aliases are counted", () => {
    const aliases = (count: number) => `{ ${Array.from({ length: count }, (_, i) => `x${i}: b`).join(" ")} }`;
    expect(errors(aliases(GRAPHQL_LIMITS.aliases))).toBe(0);
    expect(errors(aliases(GRAPHQL_LIMITS.aliases + 1))).toBe(1);
  });

  test("fields that are worked out anew are few in one question, fragments and aliases or not", () => {
    const world = buildSchema("type Query { matrix: Row rules: Int } type Row { rules: Int }");
    const refusals = (text: string) => validate(world, parse(text), [limitRule]).length;
    const half = GRAPHQL_LIMITS.comparisons / 2;
    const some = (count: number, field: string) =>
      Array.from({ length: count }, (_, i) => `${field.slice(0, 2)}${i}: ${field}`).join(" ");
    expect(refusals(`{ ${some(half, "matrix { rules }")} ${some(half, "rules")} }`)).toBe(0);
    expect(refusals(`{ ${some(half, "matrix { rules }")} ${some(half + 1, "rules")} }`)).toBe(1);
    const spread = `{ ...f ... on Query { rules } } fragment f on Query { ${some(GRAPHQL_LIMITS.comparisons, "rules")} }`;
    expect(refusals(spread)).toBe(1);
  });

  test("fragments that double each other are counted as what they spread, at once", () => {
    const bomb = Array.from(
      { length: 40 },
      (_, i) => `fragment f${i} on Query { a { ...f${i + 1} } a { ...f${i + 1} } }`,
    );
    const start = process.cpuUsage();
    expect(errors(`{ ...f0 } ${bomb.join(" ")} fragment f40 on Query { b }`)).toBeGreaterThan(0);
    // Time of the processor, because other tests use the machine too; counted one by one there is no end of them.
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1_000).toBeLessThan(2_000);
  });

  test("a fragment within itself ends the counting", () => {
    expect(() => errors("{ ...f } fragment f on Query { a { ...f } }")).not.toThrow();
  });

  test("long lists in the document are refused", () => {
    const list = (count: number) => `{ b(list: [${"1,".repeat(count)}]) }`;
    expect(errors(list(GRAPHQL_LIMITS.listItems))).toBe(0);
    expect(errors(list(GRAPHQL_LIMITS.listItems + 1))).toBe(1);
  });

  test("items in variables are counted on all levels", () => {
    expect(countItems({ where: { OR: [{ a: 1 }, { a: 2 }] } })).toBe(6);
    expect(countItems(null)).toBe(0);
    expect(countItems(Array.from({ length: 20_000 }, () => ({})))).toBeGreaterThan(GRAPHQL_LIMITS.listItems);
  });
});
