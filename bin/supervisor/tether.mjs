/**
 * Preloaded into every process the supervisor starts (`node --import …/tether.mjs`). File descriptor 3 is one end of a
 * pipe whose other end only the supervisor holds: when that closes, the supervisor is gone, even by SIGKILL, and so must
 * this process be. Standard input will not do: the indexer's bundler exits by itself when that ends, before the schema is
 * unlocked. A thread of its own waits for the end, because the main one may never come to its turn again: PGlite spins for
 * ever in a write whose files have been taken away from it.
 */
import { Socket } from "node:net";
import { isMainThread, Worker, workerData } from "node:worker_threads";

const TETHER_FD = 3;
const WATCH = "plumbline-tether";
/** The indexer needs up to five seconds to unlock its schema. */
const STOP_WITHIN_MS = 8_000;

function stop() {
  // SIGINT, not SIGTERM: that, too, the bundler takes as a reason to exit at once.
  process.kill(process.pid, "SIGINT");
  // The process leads its own group; this also takes the chains a devnet has started.
  setTimeout(() => process.kill(-process.pid, "SIGKILL"), STOP_WITHIN_MS);
}

if (isMainThread) {
  new Worker(new URL(import.meta.url), { execArgv: [], workerData: WATCH }).unref();
} else if (workerData === WATCH) {
  const tether = new Socket({ fd: TETHER_FD });
  // However the pipe ends, it means the same.
  tether.once("error", () => {});
  tether.once("close", stop);
  tether.resume();
}
