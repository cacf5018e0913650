import { expect, test } from "vitest";
import { createMergeClock } from "../../../server/ledger/merge-delay.ts";

/** A clock that a test sets, and what was told of merges. */
function measured() {
  const time = { ms: 5_000 };
  const told: number[] = [];
  return {
    time,
    told,
    clock: createMergeClock(
      () => time.ms,
      (seconds) => told.push(seconds),
    ),
  };
}

test("a block's delay is from the first word that it is final to the head over it", () => {
  const { time, told, clock } = measured();
  clock.learned(10);
  time.ms = 6_000;
  clock.learned(12);
  time.ms = 7_000;
  clock.learned(12);
  clock.learned(11);
  expect(clock.delays()).toEqual({ lastSeconds: null, maxSeconds: null, waitingSeconds: 1 });
  time.ms = 9_500;
  clock.merged(11);
  expect(told).toEqual([]);
  clock.merged(12);
  expect(told).toEqual([3.5]);
  expect(clock.delays()).toEqual({ lastSeconds: 3.5, maxSeconds: 3.5, waitingSeconds: null });
});

test("what was final before the first look does not count, and a head may be over several steps at once", () => {
  const { time, told, clock } = measured();
  clock.learned(100);
  clock.merged(100);
  expect(clock.delays()).toEqual({ lastSeconds: null, maxSeconds: null, waitingSeconds: null });
  clock.learned(101);
  time.ms += 4_000;
  clock.learned(102);
  time.ms += 1_000;
  clock.merged(102);
  expect(told).toEqual([5, 1]);
  expect(clock.delays()).toEqual({ lastSeconds: 1, maxSeconds: 5, waitingSeconds: null });
});

test("however many steps wait, none is forgotten or told sooner than it was", () => {
  const { time, told, clock } = measured();
  clock.learned(0);
  for (let number = 1; number <= 10_000; number++) {
    time.ms += 1_000;
    clock.learned(number);
  }
  expect(clock.delays().waitingSeconds).toBe(9_999);
  clock.merged(9_999);
  expect(clock.delays().waitingSeconds).toBeGreaterThan(0);
  clock.merged(10_000);
  expect(clock.delays()).toMatchObject({ maxSeconds: 9_999, waitingSeconds: null });
  expect(Math.min(...told)).toBeGreaterThanOrEqual(0);
});
