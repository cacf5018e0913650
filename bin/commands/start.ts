import { Command } from "commander";
import { makePlan, type StartFlags } from "../supervisor/plan.ts";
import { supervise } from "../supervisor/supervisor.ts";

/** `plumbline start`: checks everything first, then runs devnet, indexer and server until Ctrl-C. */
export function startCommand(): Command {
  return new Command("start")
    .description("index, judge, record and serve; without a deployment, a market on two local chains")
    .option("--deployment <file>", "which protocols on which chains")
    .option("--rulebooks <dir>", "rulebooks to judge by")
    .option("--facts <file>", "signed facts about accounts: client class, jurisdiction")
    .option("--facts-key <key>", "Ed25519 public key the facts are signed with, 64 hex digits")
    .option("--webhook <url>", "receiver of breaches")
    .option("--webhook-secret <secret>", "Standard Webhooks secret shared with the receiver")
    .option("--allow-loopback", "let the webhook go to this machine")
    .option("--verbose", "show the log of every process")
    .action(async (flags: StartFlags) => {
      const plan = await makePlan(flags, { env: process.env, cwd: process.cwd() });
      process.exitCode = await supervise(plan, (line) => process.stdout.write(`${line}\n`));
    });
}
