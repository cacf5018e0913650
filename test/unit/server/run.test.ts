import { expect, test, vi } from "vitest";
import { runLoop } from "../../../server/feed/run.ts";

/** Longer than any test may take. */
const FOR_EVER_MS = 1_000_000_000;

const options = { pauseMs: FOR_EVER_MS, maxBackoffMs: FOR_EVER_MS, onError: () => {} };

test("a loop that is asked to stop while it pauses does not wait for the pause to end", async () => {
  const turn = vi.fn(async () => ({ more: false }));
  const loop = runLoop(turn, options);
  await new Promise((resolve) => setImmediate(resolve));
  await loop.stop();
  expect(turn).toHaveBeenCalledTimes(1);
});

test.each(["goes well", "fails"])("a loop that is asked to stop in a turn that %s ends with it", async (how) => {
  let end = () => {};
  const turn = vi.fn(
    () =>
      new Promise<{ more: boolean }>((resolve, reject) => {
        end = () => (how === "fails" ? reject(new Error("It failed.")) : resolve({ more: false }));
      }),
  );
  const loop = runLoop(turn, options);
  const stopped = loop.stop();
  end();
  await stopped;
  expect(turn).toHaveBeenCalledTimes(1);
});

test("a loop goes on at once while there is more", async () => {
  const left = [true, true, false];
  const turn = vi.fn(async () => ({ more: left.shift() ?? false }));
  const loop = runLoop(turn, options);
  await expect.poll(() => turn.mock.calls.length).toBe(3);
  await loop.stop();
  expect(turn).toHaveBeenCalledTimes(3);
});
