/** A log with two epochs of a chain of two protocols, and proofs of what they say. */
import { type Epoch, type EpochLeaf, type EpochTree, KERNEL_VERSION } from "../../../src/core/assessment.ts";
import { deploymentHash, deploymentJson, parseDeployment } from "../../../src/core/deployment.ts";
import type { Hex } from "../../../src/core/ids.ts";
import type { StateJson } from "../../../src/core/margin-model.ts";
import { type EpochFile, makeEpochFile, parseEpochFile } from "../../../src/core/proof/epoch-file.ts";
import { EpochTrees } from "../../../src/core/proof/epoch-trees.ts";
import { encodeLeaf, epochLeaf } from "../../../src/core/proof/leaf.ts";
import { leafHash, MerkleTree } from "../../../src/core/proof/merkle.ts";
import { checkpointText, signerOf } from "../../../src/core/proof/note.ts";

export const CHAIN = "eip155:901";
export const PERP = `${CHAIN}/perp-v2`;
export const SYNTH = `${CHAIN}/synthetix-v3`;
export const MARKET = `${PERP}/0x${"e".repeat(40)}`;
export const USDC = `${CHAIN}/erc20:0x${"2".repeat(40)}`;
export const WETH = `${CHAIN}/erc20:0x${"3".repeat(40)}`;
export const SUSD = `${CHAIN}/erc20:0x${"4".repeat(40)}`;

export const signer = signerOf("plumbline.test/log", new Uint8Array(32).fill(5));

const addressOf = (i: number): Hex => `0x${i.toString(16).padStart(40, "0")}`;

/** Accounts 2, 4, … 24 are in the epochs; odd ones are not. */
export const accountAt = (i: number): string => `${CHAIN}:${addressOf(i)}`;

const asset = (address: string, feed: string) => ({
  symbol: feed.slice(0, -4),
  address: `0x${address.repeat(40)}`,
  decimals: 18,
  feed,
});
const feed = (pair: string, digit: string) => ({
  pair,
  aggregator: `0x${digit.repeat(40)}`,
  decimals: 8,
  heartbeatSeconds: 3600,
});

const deployed = parseDeployment(
  JSON.stringify({
    version: 1,
    name: "test",
    chains: [
      {
        ...{ chainId: 901, name: "test-901", startBlock: 0, tickBlocks: 10, epochBlocks: 32, gridSeconds: 60 },
        feeds: [feed("USDC/USD", "a"), feed("ETH/USD", "b"), feed("SUSD/USD", "c")],
        protocols: [
          {
            ...{ protocol: "perp-v2", startBlock: 0, contracts: {}, settlement: asset("2", "USDC/USD") },
            collateral: [asset("3", "ETH/USD")],
          },
          { protocol: "synthetix-v3", startBlock: 0, contracts: {}, settlement: asset("4", "SUSD/USD") },
        ],
      },
    ],
  }),
  "test",
);

/** What the accounts have, at one of the two epochs: what is measured differs between them. */
function leavesOf(number: number): EpochLeaf[] {
  const leaves: EpochLeaf[] = [];
  const assess = (protocol: string, subject: string, rules: readonly string[]) => {
    for (const rule of rules) {
      const state = { condition: number === 3 ? "met" : "not_met", id: "ab".repeat(32), measured: "1", reason: null };
      leaves.push({ tree: "assessment", key: `${protocol}|${subject}|${rule}`, state });
    }
  };
  for (let i = 2; i <= 24; i += 2) {
    const address = addressOf(i);
    leaves.push({ tree: "state", key: `${PERP}/account:${address}`, state: { balance: `${i}${number}` } });
    assess(PERP, accountAt(i), ["R-1", "R-2"]);
    if (i % 4 === 0) assess(PERP, `${MARKET}/${address}/1`, ["R-3"]);
    const held = { held: `${i}000${number}`, required: i === 8 ? null : `${i}0` };
    leaves.push({ tree: "collateral", key: `${PERP}|${USDC}|${address}`, state: held });
    if (i % 6 !== 0) continue;
    leaves.push({ tree: "state", key: `${SYNTH}/account:${address}`, state: { debt: `${i}` } });
    leaves.push({ tree: "collateral", key: `${PERP}|${WETH}|${address}`, state: { held: "7", required: "0" } });
  }
  leaves.push({ tree: "state", key: `${PERP}/market:0x${"e".repeat(40)}`, state: { skew: `${number}` } });
  assess(PERP, MARKET, ["R-4"]);
  assess(PERP, USDC, ["R-5"]);
  assess(CHAIN, CHAIN, ["R-6"]);
  return leaves;
}

type Struck = { epoch: Epoch; trees: EpochTrees; stateOf(tree: EpochTree, key: string): StateJson };

function strike(number: number): Struck {
  const trees = new EpochTrees();
  const states = new Map<string, StateJson>();
  for (const leaf of leavesOf(number)) {
    trees.put(leaf);
    states.set(`${leaf.tree} ${leaf.key}`, leaf.state);
  }
  const toBlock = number * 32 + 31;
  const epoch: Epoch = {
    ...{ chain: CHAIN, number: String(number), fromBlock: String(toBlock - 31), toBlock: String(toBlock) },
    blockHash: `0x${number.toString().repeat(64)}`,
    ...trees.roots(),
    ...{ rulebookHash: `0x${"ab".repeat(32)}`, deploymentHash: deploymentHash(deployed), kernel: KERNEL_VERSION },
  };
  return { epoch, trees, stateOf: (tree, key) => states.get(`${tree} ${key}`) ?? null };
}

const struck = [3, 4].map(strike);
const log = MerkleTree.from(
  [...struck.map(({ epoch }) => encodeLeaf(epochLeaf(epoch))), new Uint8Array(147)].map((leaf) => leafHash(leaf)),
);
const checkpoint = signer.sign(
  checkpointText({ origin: signer.name, size: log.size, root: log.root(), extensions: [] }),
);

/** The bytes of a proof: of epoch 4, or of epoch 3. */
export function epochProof(subject: string, number: 3 | 4 = 4): Uint8Array {
  const index = number - 3;
  const { epoch, ...view } = struck[index] as Struck;
  const placed = { body: epoch, index, proof: log.inclusionProof(index, log.size) };
  return makeEpochFile({ ...view, subject, checkpoint, deployment: deploymentJson(deployed), epoch: placed });
}

/** The same, read. */
export function epochFile(subject: string, number: 3 | 4 = 4): EpochFile {
  return parseEpochFile(epochProof(subject, number));
}
