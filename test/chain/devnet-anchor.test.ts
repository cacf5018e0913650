import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseGwei } from "viem";
import { mnemonicToAccount, privateKeyToAccount } from "viem/accounts";
import { afterEach, describe, expect, it } from "vitest";
import { ORIGIN, publisherKey } from "../../devnet/anchoring.ts";
import { MNEMONIC, startAnvil } from "../../devnet/anvil.ts";
import { tokenArtifact } from "../../devnet/artifacts.ts";
import { type Devnet, startDevnet } from "../../devnet/devnet.ts";
import { createKit, type Kit, type Stranger } from "../../devnet/kit.ts";
import { PERP_CHAIN, PUBLISHER } from "../../devnet/market/cast.ts";
import { createAnchorNode } from "../../server/anchors/anchor-node.ts";
import { KERNEL_VERSION } from "../../src/core/assessment.ts";
import { deploymentHash, parseDeployment } from "../../src/core/deployment.ts";
import { InputError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import { originHash, publishArguments } from "../../src/core/proof/anchor.ts";
import { leafHash } from "../../src/core/proof/merkle.ts";
import { readRulebooks } from "../../src/files/rulebooks.ts";

const HISTORY = 40;
const HEAD = { size: 7, root: leafHash(Uint8Array.of(7)) };

const folders: string[] = [];
const running: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function start(data: string): Promise<Devnet> {
  const devnet = await startDevnet({ historyBlocks: HISTORY, chains: [PERP_CHAIN], data });
  running.push(devnet);
  return devnet;
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "plumbline-devnet-anchor-"));
  folders.push(folder);
  return folder;
}

/** Publishes a head from outside, as the server does; the next block has it. */
async function publishFromOutside({ chains, anchoring }: Devnet): Promise<void> {
  const [chain] = chains;
  if (chain === undefined || anchoring === null) throw new Error("no anchor");
  const node = createAnchorNode(PERP_CHAIN, { url: chain.url, address: anchoring.anchor.address });
  const args = publishArguments(HEAD, { last: null, proof: [] });
  await node.publish({ args, raise: 0, feeMax: parseGwei("100") }, privateKeyToAccount(publisherKey()));
}

describe("anchor and gate of the devnet", () => {
  it("are deployed last, for the log of the server and for epochs of this very deployment", async () => {
    const { chains, anchoring, deployment } = await start(newFolder());
    const [chain] = chains;
    if (chain === undefined || anchoring === null) throw new Error("no anchor");
    const { kit, deploymentBlocks } = chain;
    expect(deployment.chains[0]?.anchor).toEqual(anchoring.deployment);
    expect(anchoring.deployment.startBlock).toBe(Number(deploymentBlocks));
    const listed = JSON.parse(readFileSync("deployments/devnet.json", "utf8")) as { chains: { anchor?: unknown }[] };
    expect(listed.chains[0]?.anchor).toEqual(anchoring.deployment);
    expect(await kit.read(anchoring.anchor, "originHash")).toBe(originHash(ORIGIN));
    expect(await kit.read(anchoring.anchor, "owner")).toBe(kit.accounts[PUBLISHER]);
    const file = parseDeployment(JSON.stringify(deployment), "test");
    expect(anchoring.ground).toEqual({
      rulebookHash: readRulebooks("rulebooks").hash,
      deploymentHash: deploymentHash(file),
      kernel: KERNEL_VERSION,
    });
    expect(privateKeyToAccount(publisherKey()).address).toBe(kit.accounts[PUBLISHER]);
  });

  it("have their heads again after a restart, in the same blocks; without them these would not come again", async () => {
    const data = newFolder();
    const first = await start(data);
    await first.step();
    await publishFromOutside(first);
    for (let i = 0; i < 3; i++) await first.step();
    const before = first.chains[0]?.state();
    expect(before?.strangers).toHaveLength(1);
    await first.stop();
    running.length = 0;

    const again = await start(data);
    const [chain] = again.chains;
    expect(chain?.state()).toEqual(before);
    expect(await chain?.kit.read(again.anchoring?.anchor as never, "latestSize")).toBe(BigInt(HEAD.size));
    await again.stop();
    running.length = 0;

    const file = join(data, "devnet.json");
    const state = JSON.parse(readFileSync(file, "utf8"));
    state.chains[PERP_CHAIN].strangers = [];
    writeFileSync(file, JSON.stringify(state));
    await expect(start(data)).rejects.toThrow(InputError);
  });
});

describe("transactions of others", () => {
  const kitOn = async (): Promise<Kit> => {
    const anvil = await startAnvil({ chainId: PERP_CHAIN, accounts: 4 });
    running.push(anvil);
    return createKit({ chainId: PERP_CHAIN, url: anvil.url });
  };

  it.each([0, 1, 2])("come again at place %i among our own", async (place) => {
    const account = mnemonicToAccount(MNEMONIC, { addressIndex: 3 });
    const raw = await account.signTransaction({
      ...{ chainId: PERP_CHAIN, nonce: 0, to: account.address, value: 1n, gas: 21_000n, maxFeePerGas: 9n },
      maxPriorityFeePerGas: 9n,
    });
    const lay = async (kit: Kit, between: (done: number) => Promise<unknown>) => {
      await kit.batch(async () => {
        for (let done = 0; done < 2; done++) {
          await between(done);
          await kit.deploy(tokenArtifact(), [`Token ${done}`, "T", 6]);
        }
        await between(2);
      });
      return ((await kit.rpc("eth_getBlockByNumber", ["latest", false])) as { hash: Hex }).hash;
    };
    const first = await kitOn();
    const hash = await lay(first, async (done) => {
      if (done === place) await first.rpc("eth_sendRawTransaction", [raw]);
    });
    const strangers: Stranger[] = await first.strangers();
    expect(strangers).toEqual([{ index: place, raw }]);

    const second = await kitOn();
    second.admit(strangers);
    expect(await lay(second, async () => {})).toBe(hash);
    expect(await second.strangers()).toEqual(strangers);
  });
});
