import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeFunctionData } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { complianceGateAbi } from "../../abis/compliance-gate.ts";
import { gateProofOf } from "../../bin/commands/gate-proof.ts";
import type { Anchoring } from "../../devnet/anchoring.ts";
import { type Devnet, type DevnetChain, startDevnet } from "../../devnet/devnet.ts";
import { PERP_CHAIN, tradersOn } from "../../devnet/market/cast.ts";
import { anchoredHeads } from "../../server/anchors/anchored.ts";
import type { AnchorHealth } from "../../server/anchors/anchors.ts";
import type { Health } from "../../server/http/health.ts";
import { openStore } from "../../server/store/database.ts";
import type { Epoch } from "../../src/core/assessment.ts";
import { InputError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import { pathArgument, publishedHeads } from "../../src/core/proof/anchor.ts";
import { parseBundle } from "../../src/core/proof/bundle.ts";
import { equalBytes, toHex } from "../../src/core/proof/bytes.ts";
import { parseEpochFile } from "../../src/core/proof/epoch-file.ts";
import type { GateProof } from "../../src/core/proof/gate.ts";
import { provenLogs } from "../../src/core/proof/log-evidence.ts";
import { verify } from "../../verifier/index.ts";
import { refusalOf } from "../chain/anchor-world.ts";
import { type CheckedLog, checkLog } from "../server/support/check-log.ts";
import type { Indexer } from "../support/indexer.ts";
import { type ServerProcess, startServerProcess } from "../support/server.ts";
import { indexAll, rpcUrlsOf } from "../support/world.ts";

const CHAIN = `eip155:${PERP_CHAIN}`;
const HISTORY = 60;
/** More than the first head has, which is signed before anything is sealed. */
const SOME_LEAVES = 100;
const STEPS_MAX = 200;
/** Blocks laid between two looks at health. */
const STEPS = 4;

describe("a log whose heads are published on a chain that it follows", () => {
  const folder = mkdtempSync(join(tmpdir(), "plumbline-anchored-"));
  const data = join(folder, "server");
  const backup = join(folder, "backup");
  let devnet: Devnet;
  let indexer: Indexer;
  let server: ServerProcess;

  beforeAll(async () => {
    devnet = await startDevnet({ historyBlocks: HISTORY, chains: [PERP_CHAIN], data: join(folder, "devnet") });
    indexer = await indexAll(devnet, { schema: "anchor_test", data: join(folder, "indexer") });
    server = await start();
  }, 900_000);

  afterAll(async () => {
    await server?.stop();
    await indexer?.stop();
    await devnet?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = () =>
    startServerProcess({
      ...{ data, deploymentFile: indexer.deploymentFile, indexerUrl: indexer.url, rpcUrls: rpcUrlsOf(devnet) },
      anchor: { keyFile: join(folder, "devnet", "devnet-anchor.key"), everySeconds: 1 },
    });

  const contract = () => devnet.anchoring?.deployment.address ?? "0x";

  /** Lays blocks until health says so. */
  async function until(isSo: (anchor: AnchorHealth, health: Health) => boolean): Promise<AnchorHealth> {
    for (let steps = 0; steps < STEPS_MAX; steps += STEPS) {
      const health = await server.health();
      const [anchor] = health?.anchors ?? [];
      if (health && anchor && isSo(anchor, health)) return anchor;
      for (let i = 0; i < STEPS; i++) await devnet.step();
      await indexer.untilBlock(CHAIN, (await devnet.chains[0]?.kit.blockNumber()) as bigint);
    }
    throw new Error(`Nothing came of it: ${JSON.stringify((await server.health())?.anchors)}`);
  }

  /** What is in the server's store, which is then not running. */
  function kept() {
    const store = openStore(data);
    try {
      return anchoredHeads(store.db, { from: 1, limit: 100 });
    } finally {
      store.close();
    }
  }

  it("has a head anchored once the publication is indexed back, sealed, and shown by its receipt", async () => {
    const { anchored, anchor } = await until((now) => Number(now.anchored) > SOME_LEAVES);
    expect(anchor).toBe(`${CHAIN}:${contract()}`);
    const { data: indexed } = await server.ask(
      `{ events(where: { kind: "LOG_HEAD" }) { items { protocol address payload blockHash } } }`,
    );
    const log: CheckedLog = await checkLog(server.url);
    const { data: entries } = await server.ask(
      `{ ledgerEntries(where: { kind: { eq: "assessment" }, index: { lt: ${anchored} } }, limit: 1) { refId } }`,
    );
    const bundle = await fetch(`${server.url}/v1/proofs/${entries.ledgerEntries[0].refId}`);
    const bytes = new Uint8Array(await bundle.arrayBuffer());
    const { claims, assessment } = parseBundle(bytes).bundle;
    const believed = async (number: string | undefined) => {
      const { kit } = devnet.chains[0] as DevnetChain;
      const { hash } = await kit.client.getBlock({ blockNumber: BigInt(number ?? "") });
      return { chain: CHAIN, number: number as string, hash };
    };
    const trusted = {
      logKeys: [(await (await fetch(`${server.url}/log/key`)).text()).trim()],
      blocks: await Promise.all([claims.anchored?.blockNumber, assessment.body.blockNumber].map(believed)),
    };
    expect(await verify(bytes, { ...trusted, anchors: [anchor] })).toMatchObject({
      status: "verified",
      anchored: true,
    });
    expect(await verify(bytes, { ...trusted, anchors: [`${CHAIN}:0x${"ab".repeat(20)}`] })).toMatchObject({
      status: "refuted",
    });
    await server.stop();
    cpSync(data, backup, { recursive: true });

    const heads = kept();
    expect(String(heads[0]?.size)).toBe(anchored);
    for (const { size, root, anchored: where, evidence } of heads) {
      expect(root).toBe(toHex(log.tree.root(size)));
      expect(where).toMatchObject({ chain: CHAIN, contract: contract() });
      const { logs } = provenLogs(evidence, { chainId: PERP_CHAIN, blockHash: where.blockHash });
      const shown = publishedHeads(logs, contract());
      expect(
        shown.filter((head) => head.size === BigInt(size) && equalBytes(head.root, log.tree.root(size))),
      ).toHaveLength(1);
      expect(indexed.events.items).toContainEqual({
        ...{ protocol: `${CHAIN}/plumbline-anchor`, address: contract(), blockHash: where.blockHash },
        payload: expect.objectContaining({ event: "HeadPublished", newSize: String(size), newRoot: root }),
      });
    }
    server = await start();
  }, 900_000);

  describe("before the gate that follows the anchor", () => {
    let served: { epoch: Epoch; size: number; index: number; log: CheckedLog };

    /** The newest sealed epoch whose leaf is under the newest head on the chain. */
    beforeAll(async () => {
      await until(({ published }) => published !== null);
      const { epochs } = await askJson<{ epochs: { epoch: Epoch; index: string }[] }>(`/v1/epochs?chain=${CHAIN}`);
      const [newest] = epochs;
      if (newest === undefined) throw new Error("No epoch is sealed.");
      const index = Number(newest.index);
      const { published } = await until((now) => Number(now.published) > index);
      served = { epoch: newest.epoch, size: Number(published), index, log: await checkLog(server.url) };
    }, 900_000);

    async function askJson<T>(path: string): Promise<T> {
      const response = await fetch(`${server.url}${path}`);
      expect(response.status).toBe(200);
      return (await response.json()) as T;
    }

    const gateOf = ({ anchoring }: Devnet): Anchoring => {
      if (anchoring === null) throw new Error("The devnet has no gate.");
      return anchoring;
    };

    const subjectOf = (account: Hex) => `${CHAIN}:${account.toLowerCase()}`;

    /** What the epoch says of the gate's condition for an account; null where it is not assessed. */
    async function conditionOf(account: Hex): Promise<string | null> {
      const path = `/v1/epochs/${CHAIN}/${served.epoch.number}/proof?subject=${subjectOf(account)}`;
      const response = await fetch(`${server.url}${path}`);
      expect(response.status).toBe(200);
      const { scopes } = parseEpochFile(new Uint8Array(await response.arrayBuffer()));
      const { protocol, ruleId } = gateOf(devnet).terms;
      const assessments = scopes.find((scope) => scope.protocol === protocol)?.assessments;
      if (assessments === undefined || !("subject" in assessments)) return null;
      const own = assessments.assessments.find(({ key }) => key === `${protocol}|${subjectOf(account)}|${ruleId}`);
      return own === undefined ? null : (own.state as { condition: string }).condition;
    }

    /** An account's proof for the gate, as the command gives it; null where it refuses. */
    async function proofFor(account: Hex): Promise<GateProof | null> {
      const { protocol, ruleId } = gateOf(devnet).terms;
      const asked = { rule: ruleId, protocol, epoch: served.epoch.number, url: server.url };
      try {
        const { calldata } = await gateProofOf(subjectOf(account), asked);
        return decodeFunctionData({ abi: complianceGateAbi, data: calldata }).args[0] as GateProof;
      } catch (error) {
        if (error instanceof InputError) return null;
        throw error;
      }
    }

    it("every account whose condition is met gets a proof and acts with it, and nobody with another's", async () => {
      const { gate } = gateOf(devnet);
      const kit = (devnet.chains[0] as DevnetChain).kit;
      const compliant: { account: Hex; proof: GateProof }[] = [];
      for (const { index } of tradersOn(PERP_CHAIN)) {
        const account = kit.accounts[index] as Hex;
        const proof = await proofFor(account);
        expect(proof !== null, account).toBe((await conditionOf(account)) === "met");
        if (proof === null) continue;
        expect(await refusalOf(kit, gate, { functionName: "act", args: [proof], from: account })).toBeNull();
        compliant.push({ account, proof });
      }
      expect(compliant.length).toBeGreaterThan(3);
      const [first, second] = compliant as [(typeof compliant)[0], (typeof compliant)[0]];
      const stolen = { functionName: "act", args: [second.proof], from: first.account };
      expect(await refusalOf(kit, gate, stolen)).toBe("AnotherAccount");
      await kit.send(gate, "act", [first.proof], { from: first.account });
      const [acted] = await kit.client.getContractEvents({ ...gate, eventName: "Acted" });
      expect((acted as unknown as { args: object }).args).toEqual({
        account: first.account,
        epochBlock: BigInt(served.epoch.toBlock),
      });
    }, 900_000);

    it("nobody acts under a head that is not on the chain", async () => {
      const { anchor, gate, terms } = gateOf(devnet);
      const kit = (devnet.chains[0] as DevnetChain).kit;
      const { size, index, log } = served;
      const isAnchored = async (of: number) => BigInt(await kit.read(anchor, "rootAt", [BigInt(of)])) !== 0n;
      let other = size - 1;
      while (await isAnchored(other)) other--;
      expect(other).toBeGreaterThan(index);
      for (const { index: trader } of tradersOn(PERP_CHAIN)) {
        const account = kit.accounts[trader] as Hex;
        const proof = await proofFor(account);
        if (proof === null) continue;
        const inLog = pathArgument({ index, size: other, proof: log.tree.inclusionProof(index, other) });
        const said = await refusalOf(kit, gate, {
          ...{ functionName: "act", args: [{ ...proof, inLog }], from: account },
        });
        expect(said).toBe("HeadNotAnchored");
        return;
      }
      throw new Error(`No account meets ${terms.ruleId}.`);
    }, 900_000);
  });

  it("stops signing when it was put back from a backup and the anchor knows a later head", async () => {
    const before = (await server.health())?.ledger.size ?? 0;
    await until(({ published }) => Number(published) > before);
    await server.stop();
    rmSync(data, { recursive: true });
    cpSync(backup, data, { recursive: true });
    server = await start();
    await until((_, { ledger }) => ledger.stopped !== null);
    const health = await server.health();
    expect(health?.ledger.stopped).toContain(`the anchor ${CHAIN}:${contract()}`);
    expect(health?.ledger.size).toBeLessThan(Number(health?.anchors[0]?.published));
    expect(health?.status).toBe("degraded");
  }, 900_000);
});
