// A thread that does as its job says, for tests of whoever runs it.
import { parentPort } from "node:worker_threads";

parentPort.on("message", ({ id, job }) => {
  if (job.does === "end") process.exit(3);
  if (job.does === "throw") throw new Error("thrown in the thread");
  if (job.does === "hang") for (;;);
  if (job.does === "refuse") parentPort.postMessage({ id, error: { kind: "input", message: "not like this" } });
  if (job.does === "answer") setTimeout(() => parentPort.postMessage({ id, result: job.with }), job.afterMs ?? 0);
});
