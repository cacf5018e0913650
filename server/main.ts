import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { InputError, InvariantError } from "../src/core/errors.ts";
import { type Environment, readLogLevel, readOptions } from "./options.ts";
import { type RunningServer, startServer } from "./server.ts";

export { startServer } from "./server.ts";

/** Exit codes: a wrong or missing setting, and something that cannot be. */
const EXIT_INPUT = 2;
const EXIT_FATAL = 1;

/** Runs the server until SIGINT or SIGTERM. A wrong setting is one sentence on stderr and exit code 2. */
export async function main(args: readonly string[], env: Environment): Promise<void> {
  let server: RunningServer;
  try {
    const log = pino({ level: readLogLevel(env) });
    server = await startServer(readOptions(args, env), { log, onFatal: (error) => die(error) });
  } catch (error) {
    if (error instanceof InputError) {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = EXIT_INPUT;
      return;
    }
    if (error instanceof InvariantError) die(error);
    throw error;
  }
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    void server.stop().then(() => process.exit(0));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}

/** Ends at once: going on could sign what should not be signed, and what is on disk is the evidence. */
function die(error: InvariantError): never {
  process.stderr.write(`${error.message}\n`);
  process.exit(EXIT_FATAL);
}

if (resolve(process.argv[1] ?? "") === fileURLToPath(import.meta.url)) {
  await main(process.argv.slice(2), process.env);
}
