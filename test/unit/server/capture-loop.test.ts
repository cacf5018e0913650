import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FailStep } from "../../../server/ledger/ledger.ts";
import { openStore, type Store } from "../../../server/store/database.ts";
import { assessment, evidence, part, partUse } from "../../../server/store/schema.ts";
import { type CaptureParts, startCaptureLoop } from "../../../server/witnesses/capture-loop.ts";
import { type CaptureWorker, WorkerLost } from "../../../server/witnesses/capture-worker.ts";
import type { CaptureJob, CaptureResult } from "../../../server/witnesses/job.ts";
import {
  dropEvidence,
  evidenceOf,
  type Fault,
  readEvidence,
  sealEvidence,
  wantEvidence,
} from "../../../server/witnesses/keeper.ts";
import { splitEvidence } from "../../../server/witnesses/parts.ts";
import { createCaptureStats } from "../../../server/witnesses/stats.ts";
import type { Assessment } from "../../../src/core/assessment.ts";
import type { Json } from "../../../src/core/proof/canonical.ts";
import { scheduleOf } from "../../../src/core/rules/schedule.ts";
import { RULEBOOK, sampleAssessment } from "../proof/sample.ts";

const CHAIN = "eip155:901";

let folder: string;
let store: Store;
let loop: { stop(): Promise<void> } | null;
let jobs: { job: CaptureJob; alone: boolean }[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-evidence-"));
  store = openStore(folder);
  loop = null;
  jobs = [];
});
afterEach(async () => {
  await loop?.stop();
  store.close();
  rmSync(folder, { recursive: true });
});

/** Records an assessment as the recorder does. */
function record(changes: Partial<Assessment> = {}): Assessment {
  const item = sampleAssessment(changes);
  const recordedBlock = Number(item.blockNumber);
  store.transaction(() => {
    store.db
      .insert(assessment)
      .values({ id: item.id, chain: CHAIN, recordedBlock, ordinal: 0, body: JSON.stringify(item) })
      .run();
    wantEvidence(store.db, item, recordedBlock);
  });
  return item;
}

const inBlock = (number: number, changes: Partial<Assessment> = {}) =>
  record({ blockNumber: String(number), blockHash: `0x${number.toString(16).padStart(64, "0")}`, ...changes });

/** Evidence of calls: a code that all share, and the block. */
function sampleEvidence(header: string): Json {
  return { kind: "calls", witness: { header, codes: { "0xaa": "the same everywhere" } } };
}

type Behave = (job: CaptureJob, attempt: number) => CaptureResult | Promise<CaptureResult>;

const succeed: Behave = ({ block, items }) => {
  const evidence = sampleEvidence(block.hash);
  return {
    captures: [{ ...splitEvidence(evidence), bytes: JSON.stringify(evidence).length, tookMs: 5 }],
    outcomes: items.map(({ assessment: { id } }) => ({ id, capture: 0, fault: null })),
  };
};

const fail =
  (fault: Fault, reason = `It was ${fault}.`): Behave =>
  ({ items }) => ({
    captures: [],
    outcomes: items.map(({ assessment: { id } }) => ({ id, capture: null, fault, reason })),
  });

function start(behave: Behave, changes: Partial<CaptureParts> = {}): void {
  const attempts = new Map<string, number>();
  const worker = {
    async run(job: CaptureJob, { alone = false } = {}) {
      const attempt = (attempts.get(job.block.hash) ?? 0) + 1;
      attempts.set(job.block.hash, attempt);
      jobs.push({ job, alone });
      return behave(job, attempt);
    },
    stop: async () => {},
  } as unknown as CaptureWorker;
  loop = startCaptureLoop({
    ...{ chain: CHAIN, store, worker, schedule: scheduleOf(RULEBOOK), sizeOfRest: () => 1_000 },
    ...{ stats: createCaptureStats(new Registry()), pace: { pauseMs: 2, backoffMs: 1 }, onError: () => {} },
    ...changes,
  });
}

async function until(check: () => boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!check()) {
    if (Date.now() > end) throw new Error("Waited in vain.");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const stateOf = ({ id }: Assessment) => evidenceOf(store.db, id);
const settled = (...items: Assessment[]) => until(() => items.every((item) => stateOf(item)?.state !== "wanted"));

describe("evidence is wanted", () => {
  test("as proven where a condition is not met that views state, as authentic for every log, else not at all", () => {
    const custody = { metric: "AST.CUSTODY_COVERAGE", testPoint: "epoch:3", condition: "met" } as const;
    const levels = [
      inBlock(1),
      inBlock(2, { condition: "met" }),
      inBlock(3, { testPoint: "day:2026-04-02" }),
      inBlock(4, { testPoint: "log:7", condition: "met" }),
      inBlock(5, { metric: "ACC.STRESS_LOSS" }),
      inBlock(6, custody),
    ].map((item) => stateOf(item)?.level);
    expect(levels).toEqual(["proven", undefined, "proven", "authentic", undefined, "proven"]);
  });
});

describe("capturing", () => {
  test("goes from the newest block to the oldest, and asks once for all that is asked of one account", async () => {
    const items = [1, 2, 3, 4, 5, 6, 7].map((number) => inBlock(number));
    const twin = inBlock(5, { ruleId: "EU-CFD-NBP", metric: "ACC.NET_EQUITY" });
    start(succeed);
    await settled(...items, twin);
    expect(jobs.map(({ job }) => job.block.number)).toEqual([7, 6, 5, 4, 3, 2, 1]);
    expect(jobs[2]?.job.items.map(({ assessment: { id } }) => id).sort()).toEqual([items[4]?.id, twin.id].sort());
    expect(store.db.select().from(part).all()).toHaveLength(7 + 1);
  });

  test("takes logs, which nodes keep, after all that rests on state", async () => {
    const items = [1, 2].map((number) => inBlock(number));
    const logs = [3, 4].map((number) => inBlock(number, { testPoint: "log:0" }));
    start(succeed);
    await settled(...items, ...logs);
    expect(jobs.map(({ job }) => job.block.number)).toEqual([2, 1, 4, 3]);
  });

  test("keeps what can be read again, hash by hash", async () => {
    const item = inBlock(1);
    start(succeed);
    await settled(item);
    const row = stateOf(item);
    expect(row).toMatchObject({ state: "kept", level: "proven", lane: "provisional", fault: null, tookMs: 5 });
    expect(readEvidence(store, { manifest: row?.manifest as string })).toEqual(sampleEvidence(item.blockHash));
    store.db
      .update(part)
      .set({ bytes: Buffer.from('"other"') })
      .run();
    expect(() => readEvidence(store, { manifest: row?.manifest as string })).toThrow(/altered/);
  });

  test.each<[Fault, number]>([
    ["refused", 8],
    ["untrue", 5],
    ["replaced", 8],
    ["crashed", 3],
    ["pruned", 2],
    ["fails", 1],
    ["differs", 1],
    ["unprovable", 1],
    ["too-large", 1],
  ])("gives up what is %s after %i attempts, and says why", async (fault, attempts) => {
    const item = inBlock(1);
    start(fail(fault));
    await settled(item);
    expect(stateOf(item)).toMatchObject({ state: "failed", fault, reason: `It was ${fault}.`, attempts });
    expect(jobs).toHaveLength(attempts);
  });

  test("says of what is put off why, and forgets that when it is had after all", async () => {
    const item = inBlock(1);
    let seen: unknown = null;
    start((job, attempt) => {
      if (attempt === 2) seen = stateOf(item);
      return attempt < 2 ? fail("untrue")(job, attempt) : succeed(job, attempt);
    });
    await settled(item);
    expect(seen).toMatchObject({ state: "wanted", fault: "untrue", reason: "It was untrue.", attempts: 1 });
    expect(stateOf(item)).toMatchObject({ state: "kept", fault: null, reason: null });
  });

  test("waits for a node that is silent as long as it takes", async () => {
    const item = inBlock(1);
    start((job, attempt) => (attempt < 3 ? fail("silent")(job, attempt) : succeed(job, attempt)));
    await settled(item);
    expect(stateOf(item)).toMatchObject({ state: "kept", attempts: 0 });
  });

  test("counts a lost thread as one attempt of what was under way, and tries that again by itself", async () => {
    const item = inBlock(1);
    start((job, attempt) => {
      if (attempt === 1) throw new WorkerLost("The thread that captures ended.");
      return succeed(job, attempt);
    });
    await settled(item);
    expect(stateOf(item)).toMatchObject({ state: "kept", attempts: 1 });
    expect(jobs.map(({ alone }) => alone)).toEqual([false, true]);
  });

  test("gives up earlier blocks with one whose state is pruned, but not their logs", async () => {
    const old = [1, 2].map((number) => inBlock(number));
    const log = inBlock(2, { testPoint: "log:0" });
    const items = [3, 4, 5, 6, 7].map((number) => inBlock(number));
    const forgets: Behave = (job, attempt) =>
      job.level === "proven" && job.block.number <= 5 ? fail("pruned")(job, attempt) : succeed(job, attempt);
    // At once again: 5, 4 and 3 are asked for in one turn, and 2 and 1 never.
    start(forgets, { pace: { pauseMs: 2, backoffMs: 0 } });
    await settled(...old, log, ...items);
    expect([...old, log, ...items].map((item) => stateOf(item)?.state)).toEqual([
      ...["failed", "failed", "kept"],
      ...["failed", "failed", "failed", "kept", "kept"],
    ]);
    expect(stateOf(old[0] as Assessment)).toMatchObject({ fault: "pruned", reason: "It was pruned.", attempts: 0 });
    expect(jobs.some(({ job }) => job.level === "proven" && job.block.number < 3)).toBe(false);
  });

  test("does not believe that a state is forgotten when it is said once, also not after something else", async () => {
    const items = [1, 2, 3].map((number) => inBlock(number));
    const said: Fault[] = ["pruned", "untrue", "pruned"];
    start((job, attempt) => {
      const fault = job.block.number === 3 ? said[attempt - 1] : undefined;
      return (fault === undefined ? succeed : fail(fault))(job, attempt);
    });
    await settled(...items);
    expect(items.map((item) => stateOf(item)?.state)).toEqual(["kept", "kept", "kept"]);
    expect(jobs.filter(({ job }) => job.block.number === 3)).toHaveLength(4);
  });

  test("refuses what makes a bundle larger than 400 KB", async () => {
    const item = inBlock(1);
    start(succeed, { sizeOfRest: () => 399_990 });
    await settled(item);
    expect(stateOf(item)).toMatchObject({ state: "failed", fault: "too-large" });
    expect(stateOf(item)?.reason).toMatch(/^The bundle would have 400\d{3} bytes, which is more than 400000\.$/);
    expect(store.db.select().from(part).all()).toEqual([]);
  });

  test.each<FailStep>(["evidence: before commit", "evidence: after commit"])(
    "whose writing fails %s, on every second try, has everything once in the end",
    async (step) => {
      const items = [1, 2, 3].map((number) => inBlock(number));
      let tries = 0;
      const failpoint = (at: FailStep) => {
        if (at === step && ++tries % 2 === 1) throw new Error("The disk failed.");
      };
      start(succeed, { failpoint });
      await settled(...items);
      for (const item of items) {
        const { state, manifest } = stateOf(item) as { state: string; manifest: string };
        expect(state).toBe("kept");
        expect(readEvidence(store, { manifest })).toEqual(sampleEvidence(item.blockHash));
      }
      expect(store.db.select().from(partUse).all()).toHaveLength(3 * 2);
    },
  );
});

describe("a reorg", () => {
  test("drops unsealed evidence from a height on, with the parts nothing else has", async () => {
    const items = [1, 2, 3].map((number) => inBlock(number));
    start(succeed);
    await settled(...items);
    sealEvidence(store.db, CHAIN, 1);
    dropEvidence(store.db, CHAIN, 2);
    expect(store.db.select().from(evidence).all()).toMatchObject([{ assessmentId: items[0]?.id, lane: "sealed" }]);
    const { manifest } = stateOf(items[0] as Assessment) as { manifest: string };
    expect(readEvidence(store, { manifest })).toEqual(sampleEvidence((items[0] as Assessment).blockHash));
    expect(store.db.select().from(part).all()).toHaveLength(2);
    dropEvidence(store.db, CHAIN, 0);
    expect(store.db.select().from(evidence).all()).toHaveLength(1);
  });

  test("while something is captured leaves nothing of it", async () => {
    const item = inBlock(1);
    let finish: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    start(async (job, attempt) => {
      await held;
      return succeed(job, attempt);
    });
    await until(() => jobs.length === 1);
    dropEvidence(store.db, CHAIN, 1);
    finish();
    await loop?.stop();
    expect(store.db.select().from(evidence).all()).toEqual([]);
    expect(store.db.select().from(part).all()).toEqual([]);
    expect(stateOf(item)).toBeUndefined();
  });
});
