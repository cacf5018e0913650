import { Worker } from "node:worker_threads";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import type { ResultOf, WorkerAnswer, WorkerGround, WorkerJob } from "./job.ts";

/** The thread went away, or was ended because it took too long, with the job under way. */
export class WorkerLost extends Error {}

/** The server is stopping: what was under way has not been tried. */
export class WorkerStopped extends Error {}

/**
 * A thread that captures. It is started with the first job, again after it is lost, and ended when it has long had nothing
 * to do, since it takes as much memory as the rest of the server.
 */
export type CaptureWorker = {
  /**
   * Answers a job. `alone` keeps every other job away meanwhile: one that was under way when a thread was lost may have
   * been what it was lost by, and shall not take others with it.
   * @throws InputError and ProviderError as the job does; WorkerLost; WorkerStopped.
   */
  run<Job extends WorkerJob>(job: Job, options?: { alone?: boolean }): Promise<ResultOf<Job>>;
  stop(): Promise<void>;
};

/** What a test may put in place of the server's own. */
export type WorkerLimits = { atOnce: number; jobMs: number; idleMs: number; heapMb: number; file: URL };

const LIMITS: WorkerLimits = {
  /** Jobs at once: most of a capture is waiting for the node. */
  atOnce: 3,
  jobMs: 120_000,
  idleMs: 60_000,
  heapMb: 1_024,
  file: new URL("./worker.mjs", import.meta.url),
};

type Pending = {
  id: number;
  job: WorkerJob;
  alone: boolean;
  resolve(result: never): void;
  reject(error: Error): void;
  timer?: NodeJS.Timeout;
};

/** A thread that captures on this ground; none is started yet. */
export function createCaptureWorker(ground: WorkerGround, limits: Partial<WorkerLimits> = {}): CaptureWorker {
  const { atOnce, jobMs, idleMs, heapMb, file } = { ...LIMITS, ...limits };
  const queue: Pending[] = [];
  const running = new Map<number, Pending>();
  let worker: Worker | null = null;
  let idle: NodeJS.Timeout | undefined;
  let jobs = 0;
  let stopped = false;

  function pump(): void {
    for (;;) {
      const next = queue[0];
      const full = running.size >= atOnce || [...running.values()].some(({ alone }) => alone);
      if (next === undefined || full || (next.alone && running.size > 0)) return;
      queue.shift();
      running.set(next.id, next);
      clearTimeout(idle);
      const thread = worker ?? start();
      worker = thread;
      next.timer = setTimeout(() => lose(thread, `A capture took longer than ${jobMs / 1000} s.`), jobMs);
      thread.postMessage({ id: next.id, job: next.job });
    }
  }

  function start(): Worker {
    // What the process was started with is not for this thread: the file brings its own way of reading TypeScript.
    const thread = new Worker(file, {
      workerData: ground,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    thread.on("message", (answer: WorkerAnswer) => settle(answer));
    thread.on("error", (error: Error) => lose(thread, `The thread that captures ended: ${error.message}`));
    thread.on("exit", () => lose(thread, "The thread that captures ended."));
    return thread;
  }

  function settle(answer: WorkerAnswer): void {
    const pending = running.get(answer.id);
    if (pending === undefined) return;
    running.delete(answer.id);
    clearTimeout(pending.timer);
    if ("result" in answer) pending.resolve(answer.result as never);
    else pending.reject(errorOf(answer.error));
    if (running.size === 0) {
      idle = setTimeout(() => void end(), idleMs);
      idle.unref();
    }
    pump();
  }

  /** Gives up a thread and what was under way in it; what waits gets another one. */
  function lose(thread: Worker, reason: string): void {
    if (worker !== thread) return;
    worker = null;
    void thread.terminate();
    rejectAll(running.values(), stopped ? new WorkerStopped(reason) : new WorkerLost(reason));
    running.clear();
    pump();
  }

  async function end(): Promise<void> {
    const thread = worker;
    worker = null;
    clearTimeout(idle);
    await thread?.terminate();
  }

  return {
    run: (job, { alone = false } = {}) =>
      new Promise((resolve, reject) => {
        if (stopped) return reject(new WorkerStopped("The server is stopping."));
        queue.push({ id: ++jobs, job, alone, resolve, reject });
        pump();
      }),
    async stop() {
      stopped = true;
      const error = new WorkerStopped("The server is stopping.");
      rejectAll([...running.values(), ...queue.splice(0)], error);
      running.clear();
      await end();
    },
  };
}

function rejectAll(pending: Iterable<Pending>, error: Error): void {
  for (const { reject, timer } of pending) {
    clearTimeout(timer);
    reject(error);
  }
}

function errorOf({ kind, message }: { kind: "input" | "provider" | "other"; message: string }): Error {
  if (kind === "input") return new InputError(message);
  return kind === "provider" ? new ProviderError(message) : new Error(message);
}
