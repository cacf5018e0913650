import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { InputError, ProviderError } from "../src/core/errors.ts";
import { backtestCommand } from "./commands/backtest.ts";
import { commonCoreCommand } from "./commands/common-core.ts";
import { divergenceCommand } from "./commands/divergence.ts";
import { fsckCommand } from "./commands/fsck.ts";
import { keygenCommand } from "./commands/keygen.ts";
import { matrixCommand } from "./commands/matrix.ts";
import { monitorCommand } from "./commands/monitor.ts";
import { rulebookCommand } from "./commands/rulebook.ts";
import { rulesCommand } from "./commands/rules.ts";
import { startCommand } from "./commands/start.ts";
import { verifyCommand } from "./commands/verify.ts";
import { verifyPageCommand } from "./commands/verify-page.ts";

/** Exit code for a wrong or missing value, a node that does not answer, and whatever else could not be checked. */
const EXIT_UNUSABLE = 2;

/** Runs the `plumbline` command. Wrong input ends in one sentence on stderr and exit code 2, never in a stack. */
export async function main(argv: readonly string[]): Promise<void> {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const program = new Command("plumbline")
    .description("Proof-based supervision of on-chain derivatives.")
    .version(version)
    .addCommand(startCommand())
    .addCommand(verifyCommand())
    .addCommand(verifyPageCommand())
    .addCommand(monitorCommand())
    .addCommand(fsckCommand())
    .addCommand(backtestCommand())
    .addCommand(matrixCommand())
    .addCommand(divergenceCommand())
    .addCommand(commonCoreCommand())
    .addCommand(rulesCommand())
    .addCommand(rulebookCommand())
    .addCommand(keygenCommand());
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
