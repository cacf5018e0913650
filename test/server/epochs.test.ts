import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunningServer } from "../../server/server.ts";
import type { Epoch } from "../../src/core/assessment.ts";
import { InvariantError } from "../../src/core/errors.ts";
import { fromHex } from "../../src/core/proof/bytes.ts";
import { parseEpochFile, type ScopeProof } from "../../src/core/proof/epoch-file.ts";
import type { SubjectProof } from "../../src/core/proof/epoch-proof.ts";
import { encodeLeaf, epochLeaf } from "../../src/core/proof/leaf.ts";
import { leafHash, verifyInclusion } from "../../src/core/proof/merkle.ts";
import { parseCheckpoint, parseNote } from "../../src/core/proof/note.ts";
import { verifyEpochFile } from "../../src/core/proof/verify-epoch.ts";
import { runPlumbline } from "../support/plumbline.ts";
import {
  createWorld,
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

let world: World;
let server: RunningServer;
let folder: string;
let key: string;

beforeAll(async () => {
  world = await createWorld();
  tellLongStory(world, 48);
  for (const chain of world.chains) chain.finalized = chain.head;
  server = await world.start();
  folder = mkdtempSync(join(tmpdir(), "plumbline-epoch-proofs-"));
  key = (await text("/log/key")).trim();
  await untilSealed("48");
});
afterAll(async () => {
  await world?.end();
  rmSync(folder, { recursive: true, force: true });
});

async function text(path: string): Promise<string> {
  return (await fetch(`${server.url}${path}`)).text();
}

// biome-ignore lint/suspicious/noExplicitAny: an answer's shape is the question's
async function json(path: string): Promise<{ status: number; body: any }> {
  const response = await fetch(`${server.url}${path}`);
  return { status: response.status, body: await response.json() };
}

async function untilSealed(number: string): Promise<void> {
  await until(async () => {
    const { body } = await json("/v1/health");
    return body.chains.every((chain: { sealed: string }) => chain.sealed === number);
  }, `block ${number} to be sealed`);
}

/** What `plumbline verify` says of a file. */
async function verified(path: string, ...more: readonly string[]): Promise<{ code: number | null; stdout: string }> {
  const command = runPlumbline(["verify", path, "--log-key", key, ...more], {});
  const code = await command.exited;
  return { code, stdout: command.stdout() };
}

/** The proof of a subject, in a file, checked by the pure module. */
async function proofOf(subject: string, number: string) {
  const response = await fetch(`${server.url}/v1/epochs/${CHAIN}/${number}/proof?subject=${subject}`);
  expect(response.status).toBe(200);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const { epoch } = parseEpochFile(bytes);
  const blocks = [{ chain: CHAIN, number: epoch.body.toBlock, hash: epoch.body.blockHash }];
  const { status, links } = verifyEpochFile(bytes, { logKeys: [key], blocks });
  expect(links.filter(({ ok }) => ok === false)).toEqual([]);
  expect(status).toBe("verified");
  const path = join(folder, "proof.json");
  writeFileSync(path, bytes);
  return { file: parseEpochFile(bytes), bytes, path };
}

/** The same, checked by the command as well. */
async function verifiedProofOf(subject: string, number: string) {
  const proof = await proofOf(subject, number);
  const { toBlock, blockHash } = proof.file.epoch.body;
  const { code, stdout } = await verified(proof.path, "--trust", `${CHAIN}:${toBlock}=${blockHash}`);
  expect([code, stdout]).toEqual([0, expect.stringContaining("Verified: this is all that the log has of")]);
  return proof;
}

describe("a proof from a running server", () => {
  test("of an account in the newest epoch shows what it has, and all its assessments", async () => {
    const { file } = await verifiedProofOf(RETAIL, "48");
    const perp = file.scopes[0] as ScopeProof;
    expect(perp.state).toHaveProperty("leaf");
    const { assessments } = perp.assessments as SubjectProof;
    expect(assessments.map((item) => item.key)).toEqual(
      expect.arrayContaining([`${CHAIN}/perp-v2|${RETAIL}|${OPEN_RULE}`]),
    );
    expect(assessments).toHaveLength(2);
    expect(perp.collateral).toMatchObject([{ holding: { leaf: { state: { required: "50" } } } }]);
  });

  test("of an account that is not in the epoch shows that it is not", async () => {
    const { file } = await verifiedProofOf(NOBODY, "48");
    for (const { assessments } of file.scopes) expect(assessments).not.toHaveProperty("assessments");
    expect(file.scopes[0]?.state).toMatchObject({ key: `${CHAIN}/perp-v2/account:0x${"9".repeat(40)}` });
  });

  test("of an old epoch shows what was then, also after a restart", async () => {
    const then = await verifiedProofOf(PROFESSIONAL, "8");
    await server.stop();
    server = await world.start();
    const again = await proofOf(PROFESSIONAL, "8");
    expect(again.file.scopes).toEqual(then.file.scopes);
    expect((await proofOf(PROFESSIONAL, "48")).file.scopes[0]?.state).not.toEqual(then.file.scopes[0]?.state);
  });

  test("that was changed is refuted by the command", async () => {
    const { bytes, path } = await proofOf(UNKNOWN, "16");
    writeFileSync(path, new TextDecoder().decode(bytes).replace(/"held":"(\d)/, '"held":"1$1'));
    const { code, stdout } = await verified(path);
    expect([code, stdout.split("\n").at(-2)]).toEqual([1, "Refuted by its collateral: do not rely on this file."]);
  });
});

describe("a leaf's proof as text", () => {
  test("is checked by the command, which takes no option that it has no use for", async () => {
    const { body } = await json(`/v1/epochs/${CHAIN}/16`);
    const { code, stdout } = await verified(`${server.url}/log/proof/${body.index}`);
    expect([code, stdout]).toEqual([0, expect.stringContaining("is of kind epoch at block 16 of eip155:901")]);
    const asJson = await verified(`${server.url}/log/proof/${body.index}`, "--json");
    expect(JSON.parse(asJson.stdout)).toMatchObject({ status: "verified", leaf: { kind: "epoch", blockNumber: "16" } });
    expect((await verified(`${server.url}/log/proof/0`, "--rulebook", body.epoch.rulebookHash)).code).toBe(2);
  });
});

describe("/v1/epochs", () => {
  test("lists sealed epochs, newest first, and proves each in the log", async () => {
    const { body } = await json(`/v1/epochs?chain=${CHAIN}&limit=4&before=48`);
    expect(body.epochs.map(({ epoch }: { epoch: Epoch }) => epoch.number)).toEqual(["40", "32", "24", "16"]);
    const one = (await json(`/v1/epochs/${CHAIN}/40`)).body;
    expect(one.epoch).toEqual(body.epochs[0].epoch);
    const { size, root } = parseCheckpoint(parseNote(one.checkpoint).text);
    const claim = { index: Number(one.index), size, root, proof: one.proof.map(fromHex) };
    expect(verifyInclusion({ ...claim, leafHash: leafHash(encodeLeaf(epochLeaf(one.epoch))) })).toBe(true);
  });

  test("gives the leaves of an epoch, page by page, in the order of their keys", async () => {
    for (const tree of ["state", "assessment", "collateral"]) {
      const all = (await json(`/v1/epochs/${CHAIN}/24/leaves?tree=${tree}`)).body;
      const keys = all.leaves.map((leaf: { key: string }) => leaf.key);
      expect(all.next).toBeNull();
      expect(keys).toEqual([...keys].sort());
      const paged = [];
      for (let after: string | null = ""; after !== null; ) {
        const page = await json(
          `/v1/epochs/${CHAIN}/24/leaves?tree=${tree}&limit=2&after=${encodeURIComponent(after)}`,
        );
        paged.push(...page.body.leaves);
        after = page.body.next;
      }
      expect(paged).toEqual(all.leaves);
      expect(paged.length).toBeGreaterThan(2);
    }
  });

  test.each([
    ["/v1/epochs", 400, /Name a chain/],
    [`/v1/epochs?chain=${CHAIN}&limit=0`, 400, /limit is 1 to 100/],
    [`/v1/epochs?chain=${CHAIN}&before=x`, 400, /number of an epoch/],
    [`/v1/epochs/${CHAIN}/49`, 404, /Epoch 49 of eip155:901 is not sealed here/],
    [`/v1/epochs/${CHAIN}/x`, 400, /decimal digits/],
    ["/v1/epochs/eip155:1/8/proof?subject=eip155:1", 404, /not sealed here/],
    [`/v1/epochs/${CHAIN}/8/proof`, 400, /has no proof of its own/],
    [`/v1/epochs/${CHAIN}/8/proof?subject=eip155:902:0x${"9".repeat(40)}`, 400, /is not on eip155:901/],
    [`/v1/epochs/${CHAIN}/8/leaves?tree=x`, 400, /tree is one of/],
    [`/v1/epochs/${CHAIN}/8/leaves?tree=state&limit=9999`, 400, /limit is 1 to 1000/],
  ])("refuses %s in one sentence", async (path, status, says) => {
    const { status: found, body } = await json(path);
    expect([found, body.error]).toEqual([status, expect.stringMatching(says)]);
  });
});

describe("an indexer whose leaves do not fit", () => {
  test("is asked for all of them where it counts from another beginning, and then sealing goes on", async () => {
    const [chain] = world.chains;
    chain.add({ assessments: [{ ruleId: OPEN_RULE, subject: RETAIL, condition: "met" }] });
    const ending = chain.add({ epoch: true });
    // As an indexer with new code tells it: what it had before is not told as a change.
    Object.assign(ending, { leaves: ending.leaves.slice(1) });
    world.chains[1].add();
    world.chains[1].add();
    for (const each of world.chains) each.finalized = each.head;
    await untilSealed("50");
    expect(world.indexer.requests).toContain("/epoch/leaves");
    await proofOf(RETAIL, "50");
  });

  test("stops the chain where even all of them make another root: nothing is signed", async () => {
    const fatal: InvariantError[] = [];
    await server.stop();
    server = await world.start({}, { onFatal: (error) => fatal.push(error) });
    const [chain] = world.chains;
    const ending = chain.add({ epoch: true, assessments: [{ ruleId: OPEN_RULE, subject: NOBODY, condition: "met" }] });
    Object.assign(ending, { epoch: { ...(ending.epoch as Epoch), stateRoot: `0x${"66".repeat(32)}` } });
    chain.finalized = chain.head;
    await until(() => fatal.length > 0, "the chain to stop");
    expect(fatal[0]).toBeInstanceOf(InvariantError);
    expect(fatal[0]?.message).toMatch(/epoch 51 of eip155:901 do not make its stateRoot/);
    expect((await json(`/v1/epochs/${CHAIN}/51`)).status).toBe(404);
  });
});
