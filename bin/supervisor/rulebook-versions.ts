import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { followedBlocks } from "../../server/store/followed.ts";
import { caip2 } from "../../src/core/ids.ts";
import type { ChainDeployment, Deployment } from "../../src/core/margin-model.ts";
import type { Rulebook } from "../../src/core/rules/rule.ts";
import { newest, type Schedule, scheduleJson, scheduleOf, withVersion } from "../../src/core/rules/schedule.ts";
import { readRulebooks } from "../../src/files/rulebooks.ts";
import { readScheduleFile } from "../../src/files/schedule.ts";

/** Where the versions of a data directory are kept: what is in force when is part of what was recorded under it. */
export function versionsFile(dataDir: string): string {
  return join(dataDir, "rulebooks.json");
}

/**
 * The versions to run with: those kept, and one more when the folder holds another rulebook than the last. To be asked
 * while no server runs on the data directory. Writes nothing.
 * @throws InputError when the folder or the file holds no valid rulebook.
 */
export function planVersions({
  dataDir,
  rulebooksDir,
  deployment,
}: {
  dataDir: string;
  rulebooksDir: string;
  deployment: Deployment;
}): Schedule {
  const rulebook = readRulebooks(rulebooksDir);
  const file = versionsFile(dataDir);
  if (!existsSync(file)) return scheduleOf(rulebook);
  return nextVersion(readScheduleFile(file), { rulebook, dataDir, deployment });
}

/**
 * The versions with a rulebook as the last of them; the same ones when it is that already. A new one takes effect on each
 * chain with the first epoch of which nothing has been followed: what has been recorded stays, and every epoch has one
 * rulebook.
 */
export function nextVersion(
  kept: Schedule,
  { rulebook, dataDir, deployment }: { rulebook: Rulebook; dataDir: string; deployment: Deployment },
): Schedule {
  if (newest(kept).hash === rulebook.hash) return kept;
  const followed = followedBlocks(dataDir);
  const before = kept.versions.at(-1)?.from ?? {};
  const from = deployment.chains.map((chain): [string, bigint] => {
    const id = caip2(chain.chainId);
    const next = nextEpoch(chain, followed.get(id));
    const earliest = before[id] ?? 0n;
    return [id, next > earliest ? next : earliest];
  });
  return withVersion(kept, { rulebook, from: Object.fromEntries(from) });
}

/** Keeps the versions: all of them are in the file, or those that were there before. */
export function keepVersions(dataDir: string, schedule: Schedule): void {
  const file = versionsFile(dataDir);
  if (existsSync(file) && readScheduleFile(file).hash === schedule.hash) return;
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.new`;
  const handle = openSync(draft, "w");
  writeSync(handle, JSON.stringify(scheduleJson(schedule)));
  fsyncSync(handle);
  closeSync(handle);
  renameSync(draft, file);
}

/** The newest version in words: its number, its hash, and where it takes effect. */
export function versionText({ versions }: Schedule): string {
  const last = versions.at(-1);
  const places = Object.entries(last?.from ?? {}).map(([chain, block]) => `${chain} block ${block}`);
  const from = places.length === 0 ? "" : `, in force from ${places.join(", ")}`;
  return `version ${versions.length}, ${last?.rulebook.hash}${from}`;
}

/** The first block of the epoch after the one a followed block is in. */
function nextEpoch({ epochBlocks }: ChainDeployment, followed: bigint | undefined): bigint {
  const length = BigInt(epochBlocks);
  return followed === undefined ? 0n : (followed / length + 1n) * length;
}
