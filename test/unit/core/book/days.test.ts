import { describe, expect, it } from "vitest";
import { createFolder } from "../../../../bench/fold.ts";
import { synthetixAnswers } from "../../../../bench/workload/answers.ts";
import type { LogSpec } from "../../../../bench/workload/log.ts";
import { createPrices } from "../../../../bench/workload/prices.ts";
import { accountOf } from "../../../../bench/workload/setting.ts";
import { SynthetixSession } from "../../../../bench/workload/synthetix.ts";
import type { Assessment } from "../../../../src/core/assessment.ts";
import { rulebookFrom } from "../../../../src/core/rules/rule.ts";
import { type Schedule, scheduleOf, withVersion } from "../../../../src/core/rules/schedule.ts";
import { BOOK } from "../../rules/figures.ts";

const WAD = 10n ** 18n;
const HOLDER = accountOf(1);
const SUBJECT = `eip155:903:${HOLDER}`;
const NOON = 1_775_131_200n;
const DAY = 86_400n;
/** All of one issuer, far above the 15 % the rule allows. */
const RULE = "EU-UMR-CONC-ISSUER";

type Made = readonly [testPoint: string, condition: string, reason: string | null];

/** What is found of one account that deposits on the first day and withdraws everything on the third. */
async function lived(schedule: Schedule): Promise<Made[]> {
  const prices = createPrices({ seed: 1, blocks: 10 });
  const synthetix = new SynthetixSession(prices, NOON);
  const { fold } = createFolder({ schedule });
  const made: Assessment[] = [];
  let number = 1n;
  const block = async (timestamp: bigint, transactions: LogSpec[][]) => {
    number++;
    const taught = number === 2n ? synthetixAnswers(synthetix, timestamp) : [];
    const hash = (n: bigint) => `0x${n.toString(16).padStart(64, "0")}` as const;
    const ref = { number, timestamp, hash: hash(number), parentHash: hash(number - 1n) };
    made.push(...(await fold({ number, timestamp, taught, transactions }, ref)).outcome.assessments);
  };
  const transfer = (amount: bigint, timestamp: bigint) => [
    synthetix.transfer(HOLDER, "ETH", { amount: amount * WAD, timestamp }),
  ];
  await block(NOON, [prices.step({ index: 0, timestamp: NOON }), ...synthetix.open()]);
  await block(NOON + 12n, transfer(1000n, NOON + 12n));
  await block(NOON + DAY, []);
  await block(NOON + 2n * DAY, []);
  await block(NOON + 2n * DAY + 12n, transfer(-1000n, NOON + 2n * DAY + 12n));
  await block(NOON + 3n * DAY, []);
  await block(NOON + 4n * DAY, []);
  return made
    .filter((a) => a.ruleId === RULE && a.subject === SUBJECT)
    .map((a) => [a.testPoint, a.condition, a.reason] as const);
}

const LIFE: Made[] = [
  ["day:2026-04-02", "not_met", null],
  ["day:2026-04-03", "not_met", null],
  ["day:2026-04-04", "met", "NO_POSITION"],
];

describe("the days of an account", () => {
  it("are tested while it has something, and once more when it has nothing, so that what it broke is over", async () => {
    expect(await lived(scheduleOf(BOOK))).toEqual(LIFE);
  });

  it.each<[string, bigint, Made[]]>([
    ["while it has something", 5n, []],
    ["with the block that leaves it nothing", 6n, []],
    ["when it has nothing, and are tested anew once", 7n, [["day:2026-04-05", "met", "NO_POSITION"]]],
  ])("end so where another version of the rulebook comes %s", async (_, from, anew) => {
    const source = structuredClone(BOOK.source) as { files: { eu: { version: string } } };
    source.files.eu.version = "next";
    const next = { rulebook: rulebookFrom(source), from: { "eip155:903": from } };
    expect(await lived(withVersion(scheduleOf(BOOK), next))).toEqual([...LIFE, ...anew]);
  });
});
