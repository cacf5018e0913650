/**
 * The thread that captures: it alone runs an EVM while the server serves, so that neither feed nor log nor any answer waits
 * for one. It keeps nothing.
 */
import { setPriority } from "node:os";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import type { WorkerAnswer, WorkerGround, WorkerJob } from "./job.ts";
import { groundOf, runCapture } from "./run-capture.ts";
import { proveFigure } from "./run-figure.ts";

const ground = groundOf(workerData as WorkerGround);
const port = parentPort as MessagePort;

/** Behind what follows, seals and serves. Elsewhere than on Linux this would be of the whole process. */
const PRIORITY = 5;
if (process.platform === "linux") setPriority(PRIORITY);

port.on("message", async ({ id, job }: { id: number; job: WorkerJob }) => {
  port.postMessage(await answerTo(id, job));
});

async function answerTo(id: number, job: WorkerJob): Promise<WorkerAnswer> {
  try {
    return { id, result: job.kind === "capture" ? await runCapture(job, ground) : await proveFigure(job, ground) };
  } catch (error) {
    const kind = error instanceof InputError ? "input" : error instanceof ProviderError ? "provider" : "other";
    return { id, error: { kind, message: error instanceof Error ? error.message : String(error) } };
  }
}
