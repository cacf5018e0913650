import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { InputError, ProviderError } from "../src/core/errors.ts";

/** Loaded when they are asked for: what one command needs, the others do not wait for. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import("./commands/start.ts")).startCommand(),
  verify: async () => (await import("./commands/verify.ts")).verifyCommand(),
  "verify-page": async () => (await import("./commands/verify-page.ts")).verifyPageCommand(),
  monitor: async () => (await import("./commands/monitor.ts")).monitorCommand(),
  witness: async () => (await import("./commands/witness.ts")).witnessCommand(),
  "gate-proof": async () => (await import("./commands/gate-proof.ts")).gateProofCommand(),
  fsck: async () => (await import("./commands/fsck.ts")).fsckCommand(),
  key: async () => (await import("./commands/key.ts")).keyCommand(),
  backtest: async () => (await import("./commands/backtest.ts")).backtestCommand(),
  matrix: async () => (await import("./commands/matrix.ts")).matrixCommand(),
  divergence: async () => (await import("./commands/divergence.ts")).divergenceCommand(),
  "common-core": async () => (await import("./commands/common-core.ts")).commonCoreCommand(),
  rules: async () => (await import("./commands/rules.ts")).rulesCommand(),
  rulebook: async () => (await import("./commands/rulebook.ts")).rulebookCommand(),
  keygen: async () => (await import("./commands/keygen.ts")).keygenCommand(),
};

/** Exit code for a wrong or missing value, a node that does not answer, and whatever else could not be checked. */
const EXIT_UNUSABLE = 2;

/** Runs the `plumbline` command. Wrong input ends in one sentence on stderr and exit code 2, never in a stack. */
export async function main(argv: readonly string[]): Promise<void> {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const program = new Command("plumbline")
    .description("Proof-based supervision of on-chain derivatives.")
    .version(version);
  const asked = Object.entries(COMMANDS).filter(([name]) => name === argv[2]);
  for (const [, load] of asked.length === 1 ? asked : Object.entries(COMMANDS)) program.addCommand(await load());
  for (const command of [program, ...program.commands, ...program.commands.flatMap((c) => c.commands)]) {
    command.exitOverride();
  }
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = report(error);
  }
}

function report(error: unknown): number {
  // Commander has already printed its sentence, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_UNUSABLE;
  if (error instanceof InputError || error instanceof ProviderError) {
    process.stderr.write(`${error.message}\n`);
    return EXIT_UNUSABLE;
  }
  throw error;
}
