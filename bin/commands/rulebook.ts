import { resolve } from "node:path";
import { Command } from "commander";
import { InputError } from "../../src/core/errors.ts";
import { readRulebooks } from "../../src/files/rulebooks.ts";
import { holderOf } from "../supervisor/lock.ts";

/** `plumbline rulebook`: checks a rulebook, and has a running Plumbline read its own again. */
export function rulebookCommand(): Command {
  const rulebook = new Command("rulebook").description("check or change the rulebook");
  rulebook
    .command("check")
    .description("whether a folder of rulebooks can be used; its hash on stdout")
    .argument("<dir>", "the folder")
    .action((dir: string) => {
      process.stdout.write(`${readRulebooks(dir).hash}\n`);
    });
  rulebook
    .command("reload")
    .description("have the Plumbline that runs on PLUMBLINE_DATA read its rulebook folder again")
    .action(() => {
      const dataDir = resolve(process.env.PLUMBLINE_DATA || ".plumbline");
      const pid = holderOf(dataDir);
      if (pid === null) throw new InputError(`No Plumbline runs on ${dataDir}.`);
      signal(pid);
      process.stdout.write(`Process ${pid} reads its rulebook again and says what comes of it.\n`);
    });
  return rulebook;
}

function signal(pid: number): void {
  try {
    process.kill(pid, "SIGHUP");
  } catch (error) {
    throw new InputError(`Process ${pid} cannot be signalled (${(error as NodeJS.ErrnoException).code}); is it yours?`);
  }
}
