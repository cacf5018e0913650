import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GateFlags, gateProofOf } from "../../bin/commands/gate-proof.ts";
import type { RunningServer } from "../../server/server.ts";
import { serverFolder } from "../../server/store/database.ts";
import { deploymentHash, parseDeployment } from "../../src/core/deployment.ts";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import { parseCheckpoint, parseNote } from "../../src/core/proof/note.ts";
import { runPlumbline } from "../support/plumbline.ts";
import {
  createWorld,
  DEPLOYMENT,
  OPEN_RULE,
  PROFESSIONAL,
  RETAIL,
  tellLongStory,
  UNKNOWN,
  until,
  type World,
} from "./support/world.ts";

const CHAIN = "eip155:901";
const NOBODY = `${CHAIN}:0x${"9".repeat(40)}`;
const CONTRACT = `0x${"ac".repeat(20)}` as const;

let world: World;
let server: RunningServer;
let key: string;
/** Leaves of a head that has epoch 24, and of one that has epoch 48. */
let sizes: [number, number];

beforeAll(async () => {
  world = await createWorld();
  const [first, ...others] = DEPLOYMENT.chains;
  const anchored = { ...DEPLOYMENT, chains: [{ ...first, anchor: { address: CONTRACT, startBlock: 1 } }, ...others] };
  const deployment = parseDeployment(JSON.stringify(anchored), "test");
  for (const chain of world.chains) chain.deploymentHash = deploymentHash(deployment);
  tellLongStory(world, 48);
  server = await world.start({ deployment });
  key = (await (await fetch(`${server.url}/log/key`)).text()).trim();
  sizes = [await sealed(24), await sealed(48)];
});
afterAll(async () => {
  await world?.end();
});

/** Lets all be final up to a block, where an epoch ends. @returns the size of a signed head that has the epoch. */
async function sealed(number: number): Promise<number> {
  for (const chain of world.chains) chain.finalized = number;
  let checkpoint = "";
  await until(async () => {
    const response = await fetch(`${server.url}/v1/epochs/${CHAIN}/${number}`);
    if (response.ok) ({ checkpoint } = (await response.json()) as { checkpoint: string });
    return response.ok;
  }, `epoch ${number} to be sealed`);
  return parseCheckpoint(parseNote(checkpoint).text).size;
}

/** Works on the running server's own tables. */
function inStore<T>(work: (db: Database.Database) => T): T {
  const db = new Database(join(serverFolder(world.dataDir), "ledger.sqlite"), { timeout: 60_000 });
  try {
    return work(db);
  } finally {
    db.close();
  }
}

/** The size of the first head that was signed, before any epoch. */
const firstSize = () => inStore((db) => db.prepare("SELECT min(size) FROM checkpoint").pluck().get() as number);

/** Puts a head where those stand that a chain has for good. */
function anchorHead(size: number): void {
  inStore((db) =>
    db
      .prepare(
        `INSERT INTO anchor (chain, contract, size, root, event_id, block_number, block_hash, tx_hash, evidence)
         VALUES (?, ?, ?, '', ?, 1, '', '', x'')`,
      )
      .run(CHAIN, CONTRACT, size, String(size)),
  );
}

async function refusal(account: string, flags: Partial<GateFlags> = {}): Promise<string> {
  const asked = gateProofOf(account, { rule: OPEN_RULE, epoch: "newest", url: server.url, ...flags });
  const error = await asked.then(
    () => new Error("It was not refused."),
    (reason: Error) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return error.message;
}

// biome-ignore lint/suspicious/noExplicitAny: an answer's shape is the question's
const proven = async (account: string, flags: Partial<GateFlags> = {}): Promise<any> =>
  await gateProofOf(account, { rule: OPEN_RULE, epoch: "newest", url: server.url, logKey: [key], ...flags });

describe("a proof for a gate", () => {
  test("is refused while no chain has a head of the log", async () => {
    const elsewhere = PROFESSIONAL.replace("901", "902");
    expect(await refusal(elsewhere)).toBe(
      "The deployment has no anchor on eip155:902, so no gate there can see this log.",
    );
    expect(await refusal(PROFESSIONAL)).toBe(`The anchor ${CHAIN}:${CONTRACT} has no head of this log yet.`);
  });

  test("is of the newest epoch under the head that the chain has", async () => {
    anchorHead(firstSize());
    expect(await refusal(PROFESSIONAL)).toMatch(/is of \d+ leaves\. No epoch of eip155:901 is under it yet\.$/);
    anchorHead(sizes[0]);
    const old = await proven(PROFESSIONAL);
    expect(old).toMatchObject({ account: PROFESSIONAL, protocol: `${CHAIN}/perp-v2`, epoch: { number: "24" } });
    expect(old.proof.inLog.size).toBe(String(sizes[0]));
    expect(await refusal(PROFESSIONAL, { epoch: "48" })).toMatch(/Epoch 48 of eip155:901 is not under it yet\.$/);
    anchorHead(sizes[1]);
    expect(await proven(PROFESSIONAL)).toMatchObject({
      ...{ ruleId: OPEN_RULE, anchor: `${CHAIN}:${CONTRACT}`, epoch: { number: "48", toBlock: "48" } },
      ...{ proof: { inLog: { size: String(sizes[1]) } }, calldata: expect.stringMatching(/^0x[0-9a-f]+$/) },
    });
    expect(await proven(UNKNOWN, { epoch: "24", maxAge: "24" })).toMatchObject({ epoch: { number: "24" } });
  });

  test.each([
    ["a condition that is not met", RETAIL, {}, /PERP-V2-MAINTENANCE is not met for eip155:901:0xa+ .* at block 48\./],
    ["an account that is not there", NOBODY, {}, /Epoch 48 of eip155:901 has no assessment of eip155:901:0x9+\./],
    ["an unknown rule", PROFESSIONAL, { rule: "X&rule=\u0000" }, /has no assessment of .* it has some under/],
    ["another protocol", PROFESSIONAL, { protocol: `${CHAIN}/x` }, /no assessment of .* in eip155:901\/x\./],
    [
      "an epoch that is too old",
      PROFESSIONAL,
      { epoch: "24", maxAge: "23" },
      /24 blocks ago, at block 24; .* takes 23/,
    ],
    ["an epoch that is not there", PROFESSIONAL, { epoch: "25" }, /Epoch 25 of eip155:901 is not sealed here/],
    ["no epoch", PROFESSIONAL, { epoch: "../8" }, /decimal digits|nothing at this address/],
    ["no age", PROFESSIONAL, { maxAge: "-1" }, /maxAge is a number of blocks/],
    ["no rule", PROFESSIONAL, { rule: "" }, /Name a rule/],
    ["no account", CHAIN, {}, /is not a CAIP-10 account/],
  ])("is refused for %s, in a sentence", async (_, account, flags, says) => {
    expect(await refusal(account, flags)).toMatch(says);
  });

  test("is printed by the command, and why there is none, by the same command", async () => {
    const args = ["gate-proof", PROFESSIONAL, "--rule", OPEN_RULE, "--url", server.url, "--log-key", key];
    const command = runPlumbline(args, {});
    expect(await command.exited, command.stderr()).toBe(0);
    expect(JSON.parse(command.stdout())).toEqual(await proven(PROFESSIONAL));
    const refused = runPlumbline(["gate-proof", RETAIL, "--rule", OPEN_RULE, "--url", server.url], {});
    expect([await refused.exited, refused.stdout()]).toEqual([2, ""]);
    expect(refused.stderr()).toMatch(/^The condition of PERP-V2-MAINTENANCE is not met for .*\.\n$/);
  });
});

describe("an answer that does not hold", () => {
  test("is not given out", async () => {
    const good = await proven(PROFESSIONAL);
    const other = await proven(UNKNOWN);
    const older = await proven(PROFESSIONAL, { epoch: "24" });
    const answers = [
      { ...good, calldata: other.calldata },
      other,
      { ...good, calldata: `${good.calldata}00` },
      { ...good, calldata: "0x00" },
      { ...good, calldata: older.calldata },
      { ...good, checkpoint: good.checkpoint.replace(/\n.{44}\n\n/, `\n${"A".repeat(43)}=\n\n`) },
      { ...good, epoch: { ...good.epoch, rulebookHash: `0x${"00".repeat(32)}` } },
      { ...good, epoch: { ...good.epoch, toBlock: "1e3" } },
      { ...good, checkpoint: "\u001b[2J" },
      {},
      null,
      "\u001b[2J",
    ];
    let next: unknown;
    const liar = createServer((_, response) => response.end(JSON.stringify(next)));
    await new Promise<void>((resolve) => liar.listen(0, "127.0.0.1", resolve));
    try {
      const url = `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
      next = { ...good, proof: null };
      expect(await proven(PROFESSIONAL, { url })).toEqual(good);
      for (const answer of answers) {
        next = answer;
        const said = proven(PROFESSIONAL, { url });
        await expect(said, JSON.stringify(answer)).rejects.toThrow(ProviderError);
        await expect(said).rejects.not.toThrow(/\p{Cc}/u);
      }
    } finally {
      liar.close();
    }
  });
});
