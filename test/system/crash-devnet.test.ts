import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkLog } from "../server/support/check-log.ts";
import { type Killable, prepareKillable } from "../support/killed.ts";
import { processesOn } from "../support/plumbline.ts";
import { isAbsent } from "../support/require.ts";

const UP_WITHIN_MS = 400_000;
const MORE_BLOCKS = 4;
const ABSENT = isAbsent("crashes of the devnet", existsSync("/proc/self/environ"), "processes are found by /proc");

describe.skipIf(ABSENT)("kill -9 of the devnet", () => {
  let run: Killable;

  beforeEach(async () => {
    run = await prepareKillable({ evidence: false });
  });

  afterEach(async () => {
    await run?.end();
  });

  test("the supervisor starts it again, and it goes on with the chains it had", { timeout: 1_200_000 }, async () => {
    const command = run.start();
    await command.untilPrinted("Plumbline is up.", UP_WITHIN_MS);
    await run.untilHealth(({ chains }) => chains.every(({ sealed }) => sealed !== null), "a sealed block");
    const before = await run.health();
    const log = await checkLog(run.serverUrl);
    await run.kill("devnet");
    await run.untilHealth(
      ({ status, chains }) =>
        status === "ok" &&
        chains.every(({ followed }, i) => Number(followed) > Number(before?.chains[i]?.followed) + MORE_BLOCKS),
      "the chains go on",
    );
    expect((await checkLog(run.serverUrl, log)).size).toBeGreaterThanOrEqual(log.size);
    command.child.kill("SIGINT");
    expect(await command.exited).toBe(0);
    expect(processesOn(run.data)).toEqual([]);
  });
});
