import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GroupedLeaves, Leaves } from "../../../../src/core/book/roots.ts";
import { toHex } from "../../../../src/core/proof/bytes.ts";
import { canonicalBytes } from "../../../../src/core/proof/canonical.ts";
import { leafHash, rootOf } from "../../../../src/core/proof/merkle.ts";

const groupOf = (key: string) => key.slice(0, key.indexOf("|"));

/** The root worked out from nothing: sorted groups of sorted keys. */
function rootFrom(states: ReadonlyMap<string, string>): Uint8Array {
  const keys = [...states.keys()].sort();
  const groups = [...new Set(keys.map(groupOf))];
  const leaves = groups.map((group) => {
    const own = keys.filter((key) => groupOf(key) === group);
    const root = rootOf(own.map((key) => leafHash(canonicalBytes([key, states.get(key) as string]))));
    return leafHash(canonicalBytes([group, { count: String(own.length), root: toHex(root) }]));
  });
  return rootOf(leaves);
}

describe("leaves in groups", () => {
  it("have the root of a tree over groups, and count every leaf", () => {
    const leaves = new GroupedLeaves(groupOf);
    const states = new Map([
      ["b|2", "two"],
      ["a|1", "one"],
      ["b|1", "three"],
    ]);
    for (const key of states.keys()) leaves.touch(key);
    const struck = leaves.strike((key) => states.get(key));
    expect(struck.count).toBe(3);
    expect(struck.root).toEqual(rootFrom(states));
  });

  it("without any have the root of nothing", () => {
    const empty = new GroupedLeaves(groupOf).strike(() => undefined);
    expect(empty).toEqual(new Leaves().strike(() => undefined));
  });

  it("come out the same whatever they have been through", () => {
    const change = fc.tuple(fc.constantFrom("a|1", "a|2", "b|1", "c|1", "c|2"), fc.option(fc.string({ maxLength: 3 })));
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 6 }), (epochs) => {
        const leaves = new GroupedLeaves(groupOf);
        const states = new Map<string, string>();
        for (const changes of epochs) {
          for (const [key, state] of changes) {
            if (state === null) states.delete(key);
            else states.set(key, state);
            leaves.touch(key);
          }
          const struck = leaves.strike((key) => states.get(key));
          expect(struck.root).toEqual(rootFrom(states));
          expect(struck.count).toBe(states.size);
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});
