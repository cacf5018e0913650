import { beforeAll, describe, expect, it } from "vitest";
import { createFolder, type Folder } from "../../../../bench/fold.ts";
import { chainDeployment, DEPLOYMENT } from "../../../../bench/workload/setting.ts";
import { type BlockPlan, createWorkload, QUICK } from "../../../../bench/workload/workload.ts";
import type { Assessment, Epoch } from "../../../../src/core/assessment.ts";
import type { BlockOutcome } from "../../../../src/core/book/pending.ts";
import { deploymentHash } from "../../../../src/core/deployment.ts";
import { InputError } from "../../../../src/core/errors.ts";
import { reassess } from "../../../../src/core/rules/reassess.ts";
import { readRulebooks } from "../../../../src/files/rulebooks.ts";
import { leavesOf, rootsOf } from "../../../support/epoch-from-nothing.ts";
import { fold, hashOf, text } from "./folding.ts";

const OPTIONS = { ...QUICK, accounts: 30, blocks: 60, logsPerBlock: 12, liveBlocks: 1 };
const CHAIN = { ...chainDeployment(), epochBlocks: 16 };
const RULEBOOK = readRulebooks("rulebooks");
const RULE = "COLLATERAL-CUSTODY";

let history: readonly BlockPlan[];
let outcomes: BlockOutcome[];
let folder: Folder;

const custodyIn = ({ assessments }: BlockOutcome) => assessments.filter((a) => a.ruleId === RULE);
const all = () => outcomes.flatMap(custodyIn);

beforeAll(async () => {
  history = createWorkload(OPTIONS).history;
  folder = createFolder({ chain: CHAIN });
  outcomes = await fold(history, folder, (outcome) => {
    if (outcome.epoch !== null) checkRoots(outcome, outcome.epoch);
  });
}, 60_000);

/** Worked out from everything that stands, the roots are the same: they were struck after the epoch's rules were asked. */
function checkRoots(outcome: BlockOutcome, epoch: Epoch): void {
  for (const { protocol, subject, id } of custodyIn(outcome)) {
    expect(folder.book.conditions.of(protocol, subject, RULE)?.id).toBe(id);
  }
  expect(epoch).toMatchObject(rootsOf(leavesOf(folder.book)));
}

describe("a rule that is tested every epoch", () => {
  it("is asked at each epoch's last block of every asset, and at no other, whether its answer has changed or not", () => {
    const epochs = outcomes.filter(({ epoch }) => epoch !== null);
    expect(epochs.length).toBeGreaterThan(2);
    for (const outcome of outcomes) {
      const made = custodyIn(outcome);
      expect(made.map(({ protocol }) => protocol)).toEqual(
        outcome.epoch === null ? [] : ["eip155:903/perp-v2", "eip155:903/synthetix-perps-v2"],
      );
      for (const a of made) {
        expect(a.testPoint).toBe(`epoch:${outcome.epoch?.number}`);
        expect([a.blockHash, a.account]).toEqual([outcome.block.hash, null]);
      }
    }
    expect(new Set(all().map(({ id }) => id)).size).toBe(2 * epochs.length);
  });

  it("says what is held and owed in that very block", () => {
    for (const a of all()) {
      const isPerp = a.protocol.endsWith("/perp-v2");
      expect(a).toMatchObject({ metric: "AST.CUSTODY_COVERAGE", unit: "ratio", condition: isPerp ? "met" : "not_met" });
      expect(a.inputs.held).toBe(isPerp ? `${4n * 10n ** 27n}` : "0");
      expect(Object.keys(a.inputs).filter((name) => name.startsWith("owed.0x")).length).toBeGreaterThan(2);
    }
    const owed = all().filter(({ protocol }) => protocol.endsWith("/perp-v2"));
    expect(new Set(owed.map(({ measured }) => measured)).size).toBeGreaterThan(2);
  });

  it("is applied again from its inputs, at no other test point, and no other rule at this one", () => {
    for (const a of all()) {
      const { metric, measured, decimals, unit, reason, condition, operator, threshold } = a;
      const said = { metric, measured, decimals, unit, reason, condition, operator, threshold };
      expect(reassess(RULEBOOK, a)).toEqual(said);
    }
    const [one] = all() as [Assessment];
    for (const testPoint of ["end", "log:3", "epoch:", "epoch:01", "epoch:-1"] as Assessment["testPoint"][]) {
      expect(() => reassess(RULEBOOK, { ...one, testPoint })).toThrow(InputError);
    }
    const other = outcomes.flatMap((o) => o.assessments).find((a) => a.testPoint === "end") as Assessment;
    expect(() => reassess(RULEBOOK, { ...other, testPoint: "epoch:4" })).toThrow(InputError);
  });

  it("comes out the same after an undo past the epoch's end", async () => {
    const made = outcomes.map((o) => text([custodyIn(o), o.epoch]));
    const ends = history.flatMap((_, i) => (outcomes[i]?.epoch != null ? [i] : []));
    const before = (ends.at(-1) as number) - 2;
    folder.book.undoToEndOf(history[before]?.number as bigint);
    const again = await fold(history.slice(before + 1), folder);
    expect(again.map((o) => text([custodyIn(o), o.epoch]))).toEqual(made.slice(before + 1));
  });

  it("is unknown where the contract does not answer, and names the reason", async () => {
    const silent = createFolder({ chain: CHAIN });
    const { book } = silent;
    const asked = book.readsAtEnd.bind(book);
    book.readsAtEnd = (block) =>
      asked(block).map(({ venue, requests }) => ({
        venue,
        requests: requests.map((r) => (r.functionName === "balanceOf" ? { ...r, address: hashOf(1n) } : r)),
      }));
    const [first] = (await fold(history, silent)).map(custodyIn).filter((made) => made.length > 0);
    expect(first?.map(({ condition, reason, inputs }) => [condition, reason, inputs])).toEqual([
      ["unknown", "READ_REVERTED", {}],
      ["unknown", "READ_REVERTED", {}],
    ]);
  });
});

describe("every assessment", () => {
  it("names the deployment by whose addresses the chain was read", () => {
    const named = new Set(outcomes.flatMap((o) => o.assessments.map((a) => a.deploymentHash)));
    expect(named).toEqual(new Set([deploymentHash(DEPLOYMENT)]));
  });
});
