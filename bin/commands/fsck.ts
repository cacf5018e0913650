import { join } from "node:path";
import { Command } from "commander";
import { originOf, readLogKeys, verifierKeysOf } from "../../server/auth/log-keys.ts";
import { type FsckReport, fsck } from "../../server/ledger/fsck.ts";
import { hasStore, serverFolder } from "../../server/store/database.ts";
import { InputError } from "../../src/core/errors.ts";
import { parseVerifierKey } from "../../src/core/proof/note.ts";

/** Options of `plumbline fsck` as commander gives them. */
export type FsckFlags = { data?: string; logKey?: readonly string[] };

/** Between two lines that say how far it is. */
const PROGRESS_MS = 2_000;

/** `plumbline fsck`: checks the ledger of a data directory. Exit code 0 nothing wrong, 1 something is, 2 not checked. */
export function fsckCommand(): Command {
  const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  return new Command("fsck")
    .description("check the log on disk, all of it; exit code 0 nothing wrong, 1 something is, 2 could not be checked")
    .option("--data <dir>", "data directory (default: PLUMBLINE_DATA, or .plumbline)")
    .option("--log-key <key>", "verifier key, besides those of the data directory; may be repeated", collect)
    .action((flags: FsckFlags) => {
      process.exitCode = check(flags);
    });
}

/** @returns the exit code. @throws InputError when there is nothing to check, or no key to check it with. */
export function check(flags: FsckFlags): number {
  const dataDir = flags.data ?? (process.env.PLUMBLINE_DATA || ".plumbline");
  const path = join(serverFolder(dataDir), "ledger.sqlite");
  if (!hasStore(dataDir)) throw new InputError(`There is no ledger at ${path}; name its data directory with --data.`);
  const origin = originOf(dataDir);
  const known = origin === null ? null : readLogKeys(dataDir, origin);
  const own = known === null ? [] : verifierKeysOf(known);
  const keys = [...own, ...(flags.logKey ?? [])].map(parseVerifierKey);
  if (keys.length === 0 && origin !== null) {
    throw new InputError(`There is no key to check signatures with in ${serverFolder(dataDir)}; give --log-key.`);
  }
  let told = performance.now();
  const report = fsck(path, {
    keys,
    onProgress(done, total) {
      if (performance.now() - told < PROGRESS_MS) return;
      told = performance.now();
      process.stderr.write(`${done} of ${total} leaves\n`);
    },
  });
  const nameless = origin === null ? ["The database does not give the log's name, which its key belongs to."] : [];
  const problems = [...nameless, ...report.problems];
  process.stdout.write(textOf({ ...report, problems }));
  return problems.length === 0 ? 0 : 1;
}

function textOf({ problems, ...counts }: FsckReport): string {
  const { leaves, checkpoints, epochs, verdicts, parts, unsigned } = counts;
  const found = `${leaves} leaves, ${checkpoints} checkpoints, ${epochs} epochs, ${verdicts} sealed verdicts, ${parts} parts of evidence`;
  const waiting = unsigned === 0 ? "" : ` ${unsigned} leaves wait for a checkpoint, which the server signs next.`;
  const verdict = problems.length === 0 ? "Nothing is wrong" : `Problems: ${problems.length}`;
  return `${[...problems, `${verdict}: ${found}.${waiting}`].join("\n")}\n`;
}
