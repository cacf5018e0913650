/**
 * Preloaded into every process the supervisor starts (`node --import …/tether.mjs`). Its standard input is a pipe that
 * only the supervisor holds: when that closes, the supervisor is gone, even by SIGKILL, and so must this process be.
 */
import { isMainThread } from "node:worker_threads";

/** The indexer needs up to five seconds to unlock its schema. */
const STOP_WITHIN_MS = 8_000;

function stop() {
  // SIGINT, not SIGTERM: on SIGTERM the indexer's bundler exits before the schema is unlocked.
  process.kill(process.pid, "SIGINT");
  // The process leads its own group; this also takes the chains a devnet has started.
  setTimeout(() => process.kill(-process.pid, "SIGKILL"), STOP_WITHIN_MS).unref();
}

if (isMainThread) {
  process.stdin.once("close", stop);
  process.stdin.resume();
  process.stdin.unref();
}
