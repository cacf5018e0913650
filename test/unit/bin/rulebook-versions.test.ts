import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keepVersions, nextVersion, planVersions, versionsFile } from "../../../bin/supervisor/rulebook-versions.ts";
import { openStore } from "../../../server/store/database.ts";
import { chain } from "../../../server/store/schema.ts";
import { parseDeployment } from "../../../src/core/deployment.ts";
import { InputError } from "../../../src/core/errors.ts";
import { scheduleOf } from "../../../src/core/rules/schedule.ts";
import { readRulebooks } from "../../../src/files/rulebooks.ts";
import { readSchedule } from "../../../src/files/schedule.ts";

const DEPLOYMENT = parseDeployment(readFileSync("deployments/devnet.json", "utf8"), "devnet.json");
const EPOCH = BigInt(DEPLOYMENT.chains[0]?.epochBlocks ?? 0);
const [A, B] = ["eip155:901", "eip155:902"] as const;

let folder: string;
let dataDir: string;
let rulebooksDir: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-versions-"));
  dataDir = join(folder, "data");
  rulebooksDir = join(folder, "rulebooks");
  cpSync("rulebooks", rulebooksDir, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const plan = () => planVersions({ dataDir, rulebooksDir, deployment: DEPLOYMENT });

/** Makes the folder hold another rulebook. */
function edit(version: string): void {
  const file = join(rulebooksDir, "eu.json");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), version }));
}

/** Makes a server's store that has followed the chains this far. */
function follow(blocks: Readonly<Record<string, number>>): void {
  const store = openStore(dataDir);
  for (const [id, number] of Object.entries(blocks)) {
    const sealed = { sealedNumber: number, sealedHash: "0x", sealedTimestamp: "0", comparableFrom: 0 };
    store.db
      .insert(chain)
      .values({ chain: id, ...sealed })
      .onConflictDoUpdate({ target: chain.chain, set: sealed })
      .run();
  }
  store.close();
}

describe("the versions of a data directory", () => {
  it("begin with the folder's rulebook, always in force, and writing nothing", () => {
    expect(plan().hash).toBe(scheduleOf(readRulebooks("rulebooks")).hash);
    expect(existsSync(dataDir)).toBe(false);
  });

  it("stay the same while the folder does", () => {
    keepVersions(dataDir, plan());
    const bytes = readFileSync(versionsFile(dataDir));
    keepVersions(dataDir, plan());
    expect(plan().versions).toHaveLength(1);
    expect(readFileSync(versionsFile(dataDir))).toEqual(bytes);
    expect(readSchedule(versionsFile(dataDir)).hash).toBe(plan().hash);
  });

  it("grow by one that begins with the first epoch of which nothing has been followed", () => {
    keepVersions(dataDir, plan());
    follow({ [A]: Number(EPOCH) * 3 - 1, [B]: Number(EPOCH) * 3 });
    edit("other");
    expect(plan().versions[1]?.from).toEqual({ [A]: EPOCH * 3n, [B]: EPOCH * 4n });
    keepVersions(dataDir, plan());
    follow({ [A]: Number(EPOCH) * 9 });
    edit("third");
    expect(plan().versions.map(({ from }) => from[A] ?? 0n)).toEqual([0n, EPOCH * 3n, EPOCH * 10n]);
    // On the other chain the second version had not begun, and never will.
    expect(plan().versions[2]?.from[B]).toBe(EPOCH * 4n);
  });

  it("never go back, also when what was followed is lost", () => {
    const first = plan();
    follow({ [A]: 100, [B]: 100 });
    edit("other");
    const two = nextVersion(first, { rulebook: readRulebooks(rulebooksDir), dataDir, deployment: DEPLOYMENT });
    rmSync(dataDir, { recursive: true });
    edit("third");
    const three = nextVersion(two, { rulebook: readRulebooks(rulebooksDir), dataDir, deployment: DEPLOYMENT });
    expect(three.versions[2]?.from).toEqual(two.versions[1]?.from);
  });

  it.each([
    ["a folder that cannot be used", () => edit("")],
    [
      "a file that cannot be used",
      () => {
        mkdirSync(dataDir);
        writeFileSync(versionsFile(dataDir), "{");
      },
    ],
  ])("%s is refused", (_, spoil) => {
    spoil();
    expect(plan).toThrow(InputError);
  });
});
