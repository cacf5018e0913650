import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openStore, type Store } from "../../../server/store/database.ts";
import { breach } from "../../../server/store/schema.ts";
import {
  applyVerdict,
  type BreachInput,
  closeSubject,
  type Effect,
  retractBreaches,
  sealBreaches,
} from "../../../server/verdicts/breaches.ts";

const CHAIN = "eip155:901";
const PROTOCOL = "eip155:901/perp-v2";

let folder: string;
let store: Store;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-breaches-"));
  store = openStore(folder);
});
afterAll(() => {
  store.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  store.db.delete(breach).run();
});

function verdict(block: number, effect: Effect, changes: Partial<BreachInput> = {}): BreachInput {
  const subject = changes.subject ?? "s0";
  const branch = changes.blockHash ?? "0x00";
  return {
    ...{ chain: CHAIN, protocol: PROTOCOL, subject, ruleId: "R", jurisdiction: "EU", needsFacts: true, effect },
    ...{ blockNumber: block, blockHash: branch, recordedBlock: block },
    assessmentId: `${branch}/${block}/${subject}/${effect}`,
    ...changes,
  };
}

const rows = () => store.db.select().from(breach).orderBy(breach.openedAtBlock, breach.subject).all();

describe("a breach", () => {
  test("opens once, however often its verdict is repeated, and is cured once", () => {
    const changes = (["opens", "opens", "cures", "cures"] as const).map((effect, i) =>
      applyVerdict(store.db, verdict(i, effect)),
    );
    expect(changes.map((change) => change?.type ?? null)).toEqual(["breach.opened", null, "breach.cured", null]);
    expect(rows()).toMatchObject([{ openedAtBlock: 0, curedAtBlock: 2, status: "cured" }]);
  });

  test("is not cured by a verdict that cannot tell", () => {
    applyVerdict(store.db, verdict(1, "opens"));
    expect(applyVerdict(store.db, verdict(2, "holds"))).toBeNull();
    expect(rows()).toMatchObject([{ status: "open" }]);
  });

  test("is cured when its subject ends, in its own protocol only", () => {
    applyVerdict(store.db, verdict(1, "opens"));
    applyVerdict(store.db, verdict(1, "opens", { protocol: "eip155:901/other", assessmentId: "other" }));
    const changes = closeSubject(
      store.db,
      { protocol: PROTOCOL, subject: "s0" },
      { blockNumber: 2, blockHash: "0x00" },
    );
    expect(changes).toHaveLength(1);
    expect(
      rows()
        .map(({ status }) => status)
        .sort(),
    ).toEqual(["cured", "open"]);
  });

  test("comes back with its own id when the chain returns to the block that opened it", () => {
    const opened = applyVerdict(store.db, verdict(5, "opens"));
    expect(retractBreaches(store.db, CHAIN, 5).map(({ type }) => type)).toEqual(["breach.retracted"]);
    const again = applyVerdict(store.db, verdict(5, "opens"));
    expect(again?.breach.id).toBe(opened?.breach.id);
    expect(again?.breach.notices).toBe(3);
    expect(rows()).toMatchObject([{ status: "open" }]);
  });

  test("known only from the next block is taken back with that block", () => {
    applyVerdict(store.db, verdict(5, "opens", { recordedBlock: 6 }));
    expect(retractBreaches(store.db, CHAIN, 6)).toHaveLength(1);
    expect(rows()).toMatchObject([{ openedAtBlock: 5, status: "retracted" }]);
  });
});

type Step =
  | { type: "verdict"; subject: string; effect: Effect }
  | { type: "close"; subject: string }
  | { type: "block" }
  | { type: "reorg"; depth: number };

const subject = fc.constantFrom("s0", "s1", "s2");
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("verdict" as const),
      subject,
      effect: fc.constantFrom<Effect>("opens", "cures", "holds"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("close" as const), subject }) },
  { weight: 4, arbitrary: fc.constant({ type: "block" as const }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("reorg" as const), depth: fc.integer({ min: 1, max: 6 }) }) },
);

/** What happened in a block, in order. */
type Event = { block: number; hash: `0x${string}`; subject: string; effect: Effect | "close" };

/** The breaches of a chain's events, worked out from the beginning. */
function naive(events: readonly Event[]): { subject: string; opened: number; cured: number | null }[] {
  const found: { subject: string; opened: number; cured: number | null }[] = [];
  for (const event of events) {
    const open = found.find((item) => item.subject === event.subject && item.cured === null);
    if (event.effect === "opens" && !open) found.push({ subject: event.subject, opened: event.block, cured: null });
    if ((event.effect === "cures" || event.effect === "close") && open) open.cured = event.block;
  }
  return found;
}

describe("breaches after any sequence of verdicts and reorgs", () => {
  test("are those of the surviving blocks, worked out from the beginning", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), fc.integer({ min: 0, max: 12 }), (steps, sealedTo) => {
        store.db.delete(breach).run();
        let events: Event[] = [];
        let block = 1;
        let fork = 0;
        steps.forEach((step, i) => {
          const hash = `0x${fork.toString(16).padStart(2, "0")}` as const;
          if (step.type === "block") {
            block++;
            sealBreaches(store.db, CHAIN, Math.min(block - 7, sealedTo));
          } else if (step.type === "reorg") {
            const from = Math.max(block - step.depth + 1, sealedTo + 1, 1);
            if (from > block) return;
            retractBreaches(store.db, CHAIN, from);
            events = events.filter((event) => event.block < from);
            block = from;
            fork++;
          } else if (step.type === "close") {
            closeSubject(
              store.db,
              { protocol: PROTOCOL, subject: step.subject },
              { blockNumber: block, blockHash: hash },
            );
            events.push({ block, hash, subject: step.subject, effect: "close" });
          } else {
            const input = verdict(block, step.effect, { subject: step.subject, blockHash: hash, assessmentId: `${i}` });
            applyVerdict(store.db, input);
            events.push({ block, hash, subject: step.subject, effect: step.effect });
          }
        });
        const key = (item: { subject: string; opened: number; cured: number | null }) =>
          `${item.subject} ${item.opened} ${item.cured}`;
        const standing = rows()
          .filter(({ status }) => status !== "retracted")
          .map((row) => ({ subject: row.subject, opened: row.openedAtBlock, cured: row.curedAtBlock }));
        expect(standing.map(key).sort()).toEqual(naive(events).map(key).sort());
        for (const row of rows()) {
          expect(row.status === "cured").toBe(row.curedAtBlock !== null && row.status !== "retracted");
        }
      }),
      { seed: 1, numRuns: 150 },
    );
  });
});
