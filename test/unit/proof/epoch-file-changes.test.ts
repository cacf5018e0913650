import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalBytes } from "../../../src/core/proof/canonical.ts";
import { type EpochFile, isEpochFile, parseEpochFile } from "../../../src/core/proof/epoch-file.ts";
import { EPOCH_LINKS, verifyEpochFile } from "../../../src/core/proof/verify-epoch.ts";
import { checked, type Loose, TRUST } from "./checked-epoch.ts";
import { accountAt, epochFile, epochProof, PERP, USDC } from "./epoch-sample.ts";

/** What the file says once `change` has been at it. */
function changed(change: (file: Loose, other: Loose) => void, subject = accountAt(8)) {
  const file = structuredClone(epochFile(subject)) as Loose;
  change(file, structuredClone(epochFile(accountAt(12))) as Loose);
  return checked(file);
}

describe("a changed epoch proof is refuted", () => {
  const first = (file: Loose): Loose => file.scopes[0];
  it.each<[string, (file: Loose, other: Loose) => void, readonly string[]]>([
    ["another account's state", (f, o) => (first(f).state = first(o).state), ["state"]],
    ["another account's assessments", (f, o) => (first(f).assessments = first(o).assessments), ["assessments"]],
    ["another account's part in the sums", (f, o) => (first(f).collateral = first(o).collateral), ["collateral"]],
    ["another subject", (f) => (f.subject = accountAt(12)), ["state", "assessments", "collateral"]],
    ["figures that were changed", (f) => (first(f).state.leaf.state.balance = "999"), ["state"]],
    [
      "a key that was changed with them",
      (f) => (first(f).state.leaf.key = `${PERP}/account:${accountAt(9).slice(11)}`),
      ["state"],
    ],
    ["an assessment left out", (f) => first(f).assessments.assessments.pop(), ["assessments"]],
    ["an assessment of a position left out", (f) => first(f).assessments.assessments.shift(), ["assessments"]],
    ["assessments in another order", (f) => first(f).assessments.assessments.reverse(), ["assessments"]],
    [
      "an assessment that is there twice",
      (f) => first(f).assessments.assessments.push(first(f).assessments.assessments.at(-1)),
      ["assessments"],
    ],
    [
      "a condition that was changed",
      (f) => (first(f).assessments.assessments[0].state.condition = "met"),
      ["assessments"],
    ],
    ["a sum that was changed", (f) => (first(f).collateral[0].totals.leaf.state.held = "1"), ["collateral"]],
    ["what is held changed", (f) => (first(f).collateral[0].holding.leaf.state.held = "1"), ["collateral"]],
    [
      "an unknown requirement made none",
      (f) => (first(f).collateral[0].holding.leaf.state.required = "0"),
      ["collateral"],
    ],
    ["a sum on the way changed", (f) => (first(f).collateral[0].holding.leaf.path[1].held = "1"), ["collateral"]],
    [
      "a sum on the way too large",
      (f) => (first(f).collateral[0].holding.leaf.path[1].held = "9".repeat(78)),
      ["collateral"],
    ],
    ["an asset left out", (f) => first(f).collateral.pop(), ["collateral"]],
    ["assets in another order", (f) => first(f).collateral.reverse(), ["collateral"]],
    ["the account's part in the sums left out", (f) => (first(f).collateral[0].holding = null), ["collateral"]],
    ["the state left out", (f) => (first(f).state = null), ["state"]],
    ["a path cut short", (f) => first(f).state.leaf.proof.pop(), ["state"]],
    ["a path of the sums cut short", (f) => first(f).collateral[0].holding.leaf.path.pop(), ["collateral"]],
    ["a path with a hash more", (f) => first(f).assessments.proof.push(`0x${"00".repeat(32)}`), ["assessments"]],
    ["another place", (f) => (first(f).state.leaf.index = "0"), ["state"]],
    ["another number of leaves", (f) => (first(f).state.size = "99"), ["state"]],
    ["a protocol left out", (f) => f.scopes.splice(1, 1), ["deployment", "state", "assessments", "collateral"]],
    ["protocols in another order", (f) => f.scopes.reverse(), ["deployment", "state", "assessments", "collateral"]],
    [
      "a protocol that is not deployed",
      (f) => f.scopes.push(f.scopes[0]),
      ["deployment", "state", "assessments", "collateral"],
    ],
    [
      "a deployment without a protocol",
      (f) => {
        f.deployment.chains[0].protocols.pop();
        f.scopes.splice(1, 1);
      },
      ["deployment"],
    ],
    ["a state given where there is none", (f) => (f.scopes[2].state = first(f).state), ["state"]],
    ["an epoch that was changed", (f) => (f.epoch.body.stateCount = "1"), ["inclusion", "state"]],
    [
      "another epoch's body",
      (f) => (f.epoch.body = epochFile(accountAt(8), 3).epoch.body),
      ["inclusion", "state", "assessments", "collateral"],
    ],
    [
      "another epoch altogether",
      (f) => (f.epoch = epochFile(accountAt(8), 3).epoch),
      ["state", "assessments", "collateral"],
    ],
    ["another index in the log", (f) => (f.epoch.index = "0"), ["inclusion"]],
    ["a checkpoint that was changed", (f) => (f.checkpoint = f.checkpoint.replace("\n3\n", "\n4\n")), ["signature"]],
    ["a checkpoint without a signature", (f) => (f.checkpoint = f.checkpoint.slice(0, 20)), ["shape"]],
  ])("%s", (_, change, failed) => {
    const { status, failed: found } = changed(change);
    expect(status).toBe("refuted");
    expect(found).toEqual(expect.arrayContaining([...failed]));
  });

  it("an account denied by two leaves that are not neighbours", () => {
    for (const part of ["state", "assessments"] as const) {
      const result = changed((file) => {
        const [below, above] = [epochFile(accountAt(7)), epochFile(accountAt(9))] as Loose[];
        const key = part === "state" ? `${PERP}/account:${accountAt(8).slice(11)}` : `${PERP}|${accountAt(8)}`;
        first(file)[part] = { ...first(below)[part], key, after: first(above)[part].after };
      });
      expect(result).toEqual({ status: "refuted", failed: [part] });
    }
    const result = changed((file) => {
      const [below, above] = [epochFile(accountAt(7)), epochFile(accountAt(9))] as Loose[];
      const key = `${PERP}|${USDC}|${accountAt(8).slice(11)}`;
      const holding = first(below).collateral[0].holding;
      first(file).collateral[0].holding = { ...holding, key, after: first(above).collateral[0].holding.after };
    });
    expect(result).toEqual({ status: "refuted", failed: ["collateral"] });
  });

  it("sums denied where there are some", () => {
    const result = changed((file) => {
      const none = structuredClone(file.scopes[1].collateral[0].totals) as Loose;
      first(file).collateral[0] = { totals: { ...none, key: `${PERP}|${USDC}` }, holding: null };
    });
    expect(result).toEqual({ status: "refuted", failed: ["collateral"] });
  });

  it("in any one bit, and without a crash", () => {
    const bytes = epochProof(accountAt(8));
    const bit = fc.record({ at: fc.nat(bytes.length - 1), bit: fc.nat(7) });
    fc.assert(
      fc.property(bit, ({ at, bit }) => {
        const broken = bytes.slice();
        broken[at] = (broken[at] as number) ^ (1 << bit);
        const { status, file } = verifyEpochFile(broken, TRUST);
        // How many leaves a tree over holders has is in no root, and nothing rests on it.
        expect(status === "refuted" || withoutSizes(file) === withoutSizes(parseEpochFile(bytes))).toBe(true);
      }),
      { seed: 5, numRuns: 400 },
    );
  });

  it("in any member that is dropped, or said otherwise in the words of another proof", () => {
    const file = epochFile(accountAt(8));
    const words = [epochFile(accountAt(12)), epochFile(accountAt(9))].flatMap((other) => textsIn(other as Loose));
    const places = placesIn(file as Loose);
    const mutation = fc.record({ place: fc.constantFrom(...places), word: fc.constantFrom(null, ...words) });
    fc.assert(
      fc.property(mutation, ({ place, word }) => {
        const other = structuredClone(file) as Loose;
        const parent = place.slice(0, -1).reduce((at, name) => at[name], other);
        const name = place.at(-1) as string;
        if (word !== null) parent[name] = word;
        else if (Array.isArray(parent)) parent.splice(Number(name), 1);
        else delete parent[name];
        const verified = verifyEpochFile(canonicalBytes(other), TRUST);
        expect(verified.status === "refuted" || withoutSizes(verified.file) === withoutSizes(file)).toBe(true);
      }),
      { seed: 6, numRuns: 600 },
    );
  });

  it("when it is no epoch proof at all", () => {
    for (const text of ["", "{}", "[]", "null", '"x"', '{"version":"plumbline-epoch-proof/2"}']) {
      const { status, file, links } = verifyEpochFile(new TextEncoder().encode(text), TRUST);
      expect([status, file, links.length]).toEqual(["refuted", null, EPOCH_LINKS.length]);
    }
    expect(isEpochFile(new TextEncoder().encode('{"version":"plumbline-epoch-proof/2"}'))).toBe(true);
    for (const text of ["", "null", "[]", '{"version":"plumbline-bundle/3"}']) {
      expect(isEpochFile(new TextEncoder().encode(text))).toBe(false);
    }
  });
});

function withoutSizes(file: EpochFile | null): string {
  return JSON.stringify(file, (name, value) => (name === "size" ? undefined : value));
}

function textsIn(value: Loose): string[] {
  if (typeof value === "string") return [value];
  return value === null ? [] : Object.values(value).flatMap(textsIn);
}

function placesIn(value: Loose, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  const below = Object.entries(value).flatMap(([name, item]) => placesIn(item, [...path, name]));
  return path.length === 0 ? below : [path, ...below];
}
