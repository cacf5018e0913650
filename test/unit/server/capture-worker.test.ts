import { afterEach, describe, expect, test } from "vitest";
import {
  type CaptureWorker,
  createCaptureWorker,
  type WorkerLimits,
  WorkerLost,
  WorkerStopped,
} from "../../../server/witnesses/capture-worker.ts";
import type { WorkerJob } from "../../../server/witnesses/job.ts";
import { InputError } from "../../../src/core/errors.ts";

const GROUND = { deployment: { version: 1 as const, name: "test", chains: [] }, chains: [] };

const workers: CaptureWorker[] = [];
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.stop();
});

function newWorker(limits: Partial<WorkerLimits> = {}): CaptureWorker {
  const worker = createCaptureWorker(GROUND, { file: new URL("./support/thread.mjs", import.meta.url), ...limits });
  workers.push(worker);
  return worker;
}

/** A job for the thread of these tests. */
function job(does: string, more: Record<string, unknown> = {}): WorkerJob {
  return { does, ...more } as unknown as WorkerJob;
}

const answer = (value: string, afterMs = 0) => job("answer", { with: value, afterMs });

describe("the thread that captures", () => {
  test("answers each job with its own result", async () => {
    const worker = newWorker();
    const jobs = ["a", "b", "c", "d", "e"].map((value, i) => worker.run(answer(value, 20 - 5 * i)));
    expect(await Promise.all(jobs)).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("passes on what a job is refused for", async () => {
    const worker = newWorker();
    await expect(worker.run(job("refuse"))).rejects.toThrow(InputError);
    await expect(worker.run(job("refuse"))).rejects.toThrow("not like this");
  });

  test.each(["end", "throw"])("is started again after it is lost by a job (%s)", async (does) => {
    const worker = newWorker();
    await expect(worker.run(job(does))).rejects.toThrow(WorkerLost);
    expect(await worker.run(answer("again"))).toBe("again");
  });

  test("is ended when a job takes too long, and what waited gets another", async () => {
    const worker = newWorker({ atOnce: 1, jobMs: 3_000 });
    const hung = worker.run(job("hang"));
    const next = worker.run(answer("next"));
    await expect(hung).rejects.toThrow(/longer than 3 s/);
    expect(await next).toBe("next");
  });

  test("takes those with it that were under way together, and not one that waits to be alone", async () => {
    const worker = newWorker();
    const beside = worker.run(answer("beside", 10_000));
    const lost = worker.run(job("end"));
    const alone = worker.run(answer("alone"), { alone: true });
    await expect(beside).rejects.toThrow(WorkerLost);
    await expect(lost).rejects.toThrow(WorkerLost);
    expect(await alone).toBe("alone");
  });

  test("runs one that asks to be alone when nothing else is under way", async () => {
    const worker = newWorker();
    const ends: string[] = [];
    const note = (value: string, afterMs: number, alone = false) =>
      worker.run(answer(value, afterMs), { alone }).then(() => ends.push(value));
    await Promise.all([note("first", 80), note("alone", 40, true), note("last", 0)]);
    expect(ends).toEqual(["first", "alone", "last"]);
  });

  test("is ended after a time without work, and started with the next job", async () => {
    const worker = newWorker({ idleMs: 20 });
    expect(await worker.run(answer("one"))).toBe("one");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await worker.run(answer("two"))).toBe("two");
  });

  test("says of what was under way, waits or comes later that it was stopped", async () => {
    const worker = newWorker({ atOnce: 1 });
    const [running, waiting] = [worker.run(job("hang")), worker.run(answer("never"))];
    const both = Promise.allSettled([running, waiting]);
    await worker.stop();
    for (const end of await both) expect(end).toMatchObject({ status: "rejected", reason: expect.any(WorkerStopped) });
    await expect(worker.run(answer("later"))).rejects.toThrow(WorkerStopped);
  });
});
