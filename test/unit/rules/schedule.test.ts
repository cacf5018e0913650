import { describe, expect, test } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { canonicalText, type Json } from "../../../src/core/proof/canonical.ts";
import { type Rulebook, rulebookFrom } from "../../../src/core/rules/rule.ts";
import {
  newest,
  parseSchedule,
  rulebookAt,
  rulebookWith,
  scheduleJson,
  scheduleOf,
  withVersion,
} from "../../../src/core/rules/schedule.ts";
import { readRulebooks } from "../../../src/files/rulebooks.ts";

const FIRST = readRulebooks("rulebooks");
const SECOND = versioned("second");
const THIRD = versioned("third");
const A = "eip155:901";
const B = "eip155:902";

/** The rulebook as another version of one of its files. */
function versioned(version: string): Rulebook {
  const source = structuredClone(FIRST.source) as { files: Record<string, { version: string }> };
  (source.files.eu as { version: string }).version = version;
  return rulebookFrom(source);
}

const TWO = withVersion(scheduleOf(FIRST), { rulebook: SECOND, from: { [A]: 64n, [B]: 128n } });
const THREE = withVersion(TWO, { rulebook: THIRD, from: { [A]: 64n, [B]: 192n } });

describe("the version in force", () => {
  test.each([
    [A, 0n, FIRST],
    [A, 63n, FIRST],
    [B, 64n, FIRST],
    [B, 128n, SECOND],
    [B, 191n, SECOND],
    [B, 192n, THIRD],
  ])("on %s at %s", (chain, block, expected) => {
    expect(rulebookAt(THREE, chain, block).hash).toBe(expected.hash);
  });

  test("is never one that a later has taken the place of at the same block", () => {
    expect(rulebookAt(THREE, A, 64n).hash).toBe(THIRD.hash);
  });

  test("is the newest on a chain that no version names", () => {
    expect(rulebookAt(THREE, "eip155:1", 0n).hash).toBe(THIRD.hash);
  });

  test("is found by its hash", () => {
    expect(rulebookWith(THREE, SECOND.hash)?.hash).toBe(SECOND.hash);
    expect(rulebookWith(scheduleOf(FIRST), SECOND.hash)).toBeUndefined();
    expect(newest(THREE).hash).toBe(THIRD.hash);
  });
});

describe("its form", () => {
  test("reads back with the same hash", () => {
    const again = parseSchedule(JSON.parse(JSON.stringify(scheduleJson(THREE))), "versions.json");
    expect(again.hash).toBe(THREE.hash);
    expect(canonicalText(scheduleJson(again) as Json)).toBe(canonicalText(scheduleJson(THREE) as Json));
  });

  test("has another hash for other rules, other blocks, another order", () => {
    const hashes = [
      scheduleOf(FIRST),
      scheduleOf(SECOND),
      TWO,
      THREE,
      withVersion(scheduleOf(FIRST), { rulebook: SECOND, from: { [A]: 64n, [B]: 192n } }),
      withVersion(scheduleOf(SECOND), { rulebook: FIRST, from: { [A]: 64n, [B]: 128n } }),
    ].map(({ hash }) => hash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test("a version before the one it follows is refused", () => {
    expect(() => withVersion(TWO, { rulebook: THIRD, from: { [A]: 63n, [B]: 192n } })).toThrow(InputError);
    expect(() => withVersion(TWO, { rulebook: THIRD, from: { [B]: 192n } })).toThrow(InputError);
  });

  const valid = scheduleJson(scheduleOf(FIRST)) as { versions: object[] };
  test.each([
    ["no versions", { ...valid, versions: [] }],
    ["another format", { ...valid, format: "plumbline-rulebooks/2" }],
    ["a number for a block", { ...valid, versions: [{ ...valid.versions[0], from: { [A]: 0 } }] }],
    ["a first version that begins late", { ...valid, versions: [{ ...valid.versions[0], from: { [A]: "5" } }] }],
    ["a name for a chain", { ...valid, versions: [{ ...valid.versions[0], from: { optimism: "0" } }] }],
    ["a field nobody knows", { ...valid, note: "" }],
    ["what is no rulebook", { ...valid, versions: [{ from: {}, rulebook: {} }] }],
  ])("%s is refused, naming the file", (_, json) => {
    expect(() => parseSchedule(json, "versions.json")).toThrow(InputError);
    expect(() => parseSchedule(json, "versions.json")).toThrow(/versions\.json/);
  });
});
