import { beforeAll, describe, expect, it } from "vitest";
import { readBundle } from "../../src/core/proof/bundle.ts";
import { canonicalBytes, parseCanonical } from "../../src/core/proof/canonical.ts";
import { commitmentTo } from "../../src/core/proof/verdict.ts";
import { verify } from "../../verifier/index.ts";
import { drawOf } from "./draw.ts";
import { conclude, forgeState, reseal } from "./forge.ts";
import { judge } from "./judge.ts";
import { mutate } from "./mutate.ts";
import { makeSpecimens, type Specimens } from "./specimens.ts";
import type { Tree } from "./tree.ts";

const RUNS = 1_000;
const SEED = 20_260;

let made: Specimens;

beforeAll(async () => {
  made = await makeSpecimens();
});

const treeOf = (name: string): Tree => {
  const { bytes } = made.specimens.find((one) => one.name === name) ?? { bytes: new Uint8Array() };
  return structuredClone(parseCanonical(bytes));
};

describe("honest bundles", () => {
  it("are verified at their level with the block's hash alone, or with what the reader trusts of the log", async () => {
    const levels: Record<string, (string | null)[]> = {};
    for (const { name, bytes } of made.specimens) {
      const [alone, both] = [
        await verify(bytes, made.known),
        await verify(bytes, { ...made.known, ...(/figure/.test(name) ? {} : made.log) }),
      ];
      expect(both.status, name).toBe("verified");
      expect([both.witnesses.length, both.anchored], name).toEqual(/figure/.test(name) ? [0, false] : [2, true]);
      levels[name] = [alone.assurance, both.assurance];
    }
    expect(levels).toEqual({
      "perp opening": [null, "authentic"],
      "perp maintenance": ["proven", "proven"],
      "perp maintenance of another": ["proven", "proven"],
      "perp maintenance earlier": ["proven", "proven"],
      "perp close-out": ["proven", "proven"],
      "perp custody": ["proven", "proven"],
      "perp figure": ["proven", "proven"],
      "synthetix opening": [null, "authentic"],
      "synthetix opening, attested": [null, "attested"],
      "synthetix maintenance": ["proven", "proven"],
      "synthetix maintenance of another": ["proven", "proven"],
      "synthetix maintenance earlier": ["proven", "proven"],
      "synthetix custody": ["proven", "proven"],
      "synthetix figure": ["proven", "proven"],
    });
  });
});

describe("the attacker", () => {
  it("makes bundles that would be proven if his log, or his block, were the reader's", async () => {
    const bundle = treeOf("synthetix maintenance");
    reseal(bundle, drawOf(1, 1));
    const sealed = await verify(canonicalBytes(bundle), made.known);
    expect(sealed).toMatchObject({ status: "verified", assurance: "proven" });

    const { measured } = bundle.assessment.body;
    let forged: Tree;
    for (let tries = 0; forged === undefined; tries++) {
      const attempt = treeOf("synthetix maintenance");
      const isDone = await forgeState(attempt, drawOf(2, tries)).then(
        () => true,
        () => false,
      );
      if (!isDone) continue;
      conclude(attempt);
      if (attempt.assessment.body.measured === measured) continue;
      reseal(attempt, drawOf(2, tries));
      forged = attempt;
    }
    const bytes = canonicalBytes(forged);
    const { body } = readBundle(forged).bundle.assessment;
    const his = { chain: body.chain, number: body.blockNumber, hash: body.blockHash };
    expect(await verify(bytes, { blocks: [his] })).toMatchObject({ status: "verified", assurance: "proven" });
    const { status, links } = await verify(bytes, made.known);
    expect(status).toBe("refuted");
    expect(links.filter(({ ok }) => ok === false).map(({ link }) => link)).toEqual(["block"]);
  });
});

describe("a verdict", () => {
  it("of the attacker's own beside a proof is said to be nobody's", async () => {
    const bundle = treeOf("perp close-out");
    const { verdict } = bundle;
    verdict.opening.outcome = "indeterminate";
    verdict.body.commitment = commitmentTo(verdict.opening);
    reseal(bundle, drawOf(3, 1));
    const { status, links } = await verify(canonicalBytes(bundle), made.known);
    expect(status).toBe("verified");
    const said = links.find(({ link }) => link === "blinding")?.sentence;
    expect(said).toMatch(/indeterminate.* not checked: no log key was given\.$/);
    const { logKeys } = made.log;
    expect(await verify(canonicalBytes(bundle), { ...made.known, logKeys })).toMatchObject({ status: "refuted" });
  });
});

describe("mutations of bundles", () => {
  it(`are refused, all ${RUNS} of a seed, and none by a crash or a hang`, { timeout: 600_000 }, async () => {
    const faults: object[] = [];
    const refusals = new Map<string, number>();
    for (let index = 0; index < RUNS; index++) {
      const mutant = await mutate(made.specimens, { seed: SEED, index });
      const { fault, refusedBy } = await judge(mutant, made);
      if (fault !== null) faults.push({ index, kind: mutant.kind, specimen: mutant.specimen, fault });
      else refusals.set(refusedBy, (refusals.get(refusedBy) ?? 0) + 1);
    }
    expect(faults).toEqual([]);
    // Mutants that only the form would catch, or only the signature, would test little.
    const links = ["shape", "leaf", "inclusion", "rulebook", "deployment", "signature", "witnesses", "anchor", "block"];
    for (const link of [...links, "header", "state", "call", "metric"])
      expect(refusals.get(link) ?? 0, link).toBeGreaterThan(0);
  });
});
