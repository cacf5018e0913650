/**
 * What proofs cost: capturing the state behind five figures of the devnet's real contracts, checking the bundles offline,
 * their size by part, and the receipts trie.
 */
import type { Devnet } from "../devnet/devnet.ts";
import { captureWitness } from "../server/witnesses/capture.ts";
import { createWitnessNode } from "../server/witnesses/node.ts";
import { adapterOf } from "../src/adapters/catalogue.ts";
import type { Assessment } from "../src/core/assessment.ts";
import { deploymentJson } from "../src/core/deployment.ts";
import { InvariantError } from "../src/core/errors.ts";
import { chainIdOf } from "../src/core/ids.ts";
import type { Deployment } from "../src/core/margin-model.ts";
import { makeBundle, parseBundle } from "../src/core/proof/bundle.ts";
import { canonicalBytes, type Json } from "../src/core/proof/canonical.ts";
import { orderedTrie, verifyIndex } from "../src/core/proof/chain/ordered-trie.ts";
import { encodeReceipt, type Receipt } from "../src/core/proof/chain/receipt.ts";
import { derive } from "../src/core/proof/derive.ts";
import { assessmentLeaf, encodeLeaf } from "../src/core/proof/leaf.ts";
import { leafHash, MerkleTree } from "../src/core/proof/merkle.ts";
import { checkpointText, signerOf } from "../src/core/proof/note.ts";
import type { Witness } from "../src/core/proof/witness.ts";
import { dayOf } from "../src/core/rules/day.ts";
import { disclose } from "../src/core/rules/disclosure.ts";
import { type Rulebook, ruleAt } from "../src/core/rules/rule.ts";
import { readRulebooks } from "../src/files/rulebooks.ts";
import { foldChain } from "../test/support/chain-fold.ts";
import { verify } from "../verifier/index.ts";

/** Blocks of the devnet's history, in which accounts and positions come to be liquidated and epochs end. */
export const HISTORY_BLOCKS = 120;
const SIGNER = signerOf("plumbline.example/bench", new Uint8Array(32).fill(1));
/** Leaves beside a bundle's own, so that its inclusion proof has the length of a real one. */
const OTHER_LEAVES = 100_000;
const RECEIPTS = 1_000;
const LOGS_PER_RECEIPT = 4;

/** Bytes of a bundle's parts; `rest` is the record, its inclusion proof, the checkpoint and the header. */
export type Parts = Record<"code" | "nodes" | "accounts" | "rulebook" | "deployment" | "rest", number>;

/** One kind of proof. Times in milliseconds, one a run; the first verification of the process is among them. */
export type ProofCost = { name: string; captureMs: number[]; verifyMs: number[]; bytes: number; parts: Parts };

export type ProofResults = {
  proofs: readonly ProofCost[];
  /** For 1,000 receipts; of the fastest round. */
  trie: { encodeMs: number; buildMs: number; proofBytes: number; verifyMs: number };
};

/** How often each is repeated. */
const FULL = { captures: 20, verifications: 50, trie: 20 };
const QUICK = { captures: 3, verifications: 5, trie: 3 };
type Rounds = typeof FULL;

/** Measures it all on a devnet. @throws InvariantError when a bundle does not reach `proven`. */
export async function measureProofs(
  { chains, deployment }: Devnet,
  { quick, say }: { quick: boolean; say: (text: string) => void },
): Promise<ProofResults> {
  const rounds = quick ? QUICK : FULL;
  const rulebook = readRulebooks("rulebooks");
  const all: Assessment[] = [];
  const urls = new Map(chains.map(({ chainId, url }) => [chainId, url]));
  for (const [chainId, url] of urls) {
    await foldChain({ url, deployment, chainId, rulebook, onBlock: ({ assessments }) => all.push(...assessments) });
  }
  say(`${all.length} assessments of ${HISTORY_BLOCKS} blocks of the devnet`);
  const proofs: ProofCost[] = [];
  for (const { name, assessment } of subjectsOf(all)) {
    const url = urls.get(chainIdOf(assessment.chain)) as string;
    const cost = await measureProof(assessment, { name, url, deployment, rulebook, rounds });
    say(`${name}: a bundle of ${cost.bytes} bytes`);
    proofs.push(cost);
  }
  const trie = measureTrie(rounds.trie);
  say(`${RECEIPTS} receipts in a trie in ${trie.buildMs.toFixed(0)} ms`);
  return { proofs, trie };
}

/** The five figures that must be provable, as the history has them. */
function subjectsOf(all: readonly Assessment[]): { name: string; assessment: Assessment }[] {
  const last = (what: string, is: (assessment: Assessment) => boolean): Assessment => {
    const found = all.findLast(is);
    if (found === undefined) throw new InvariantError(`The devnet's history has no ${what}.`);
    return found;
  };
  const fails = (ruleId: string) => (a: Assessment) =>
    a.ruleId === ruleId && a.condition === "not_met" && a.measured !== null;
  const closeOut = fails("EU-CFD-CLOSEOUT-50");
  const closedOut = new Set(all.filter(closeOut).map((a) => a.account));
  const margin = last("Perp v2 account below maintenance", (a) => {
    return fails("PERP-V2-MAINTENANCE")(a) && closedOut.has(a.account);
  });
  const same = (a: Assessment) => a.protocol === margin.protocol && a.account === margin.account;
  const custody = (protocol: string) => (a: Assessment) =>
    a.metric === "AST.CUSTODY_COVERAGE" && a.protocol.endsWith(protocol) && a.measured !== null;
  return [
    { name: "Perp v2 account below maintenance", assessment: margin },
    { name: "its EU close-out ratio", assessment: last("close-out", (a) => closeOut(a) && same(a)) },
    {
      name: "Synthetix v2 position below liquidation margin",
      assessment: last("Synthetix position", fails("SYNTHETIX-PERPS-V2-MAINTENANCE")),
    },
    { name: "Perp v2 custody coverage", assessment: last("custody", custody("perp-v2")) },
    { name: "Synthetix v2 custody coverage", assessment: last("custody", custody("synthetix-perps-v2")) },
  ];
}

type Setting = { name: string; url: string; deployment: Deployment; rulebook: Rulebook; rounds: Rounds };

async function measureProof(assessment: Assessment, setting: Setting): Promise<ProofCost> {
  const { name, url, deployment, rulebook, rounds } = setting;
  const rule = ruleAt(rulebook, assessment.ruleId, dayOf(BigInt(assessment.blockTimestamp)));
  const { ask, reason } = derive(assessment, { rule, deployment, viewsOf: (protocol) => adapterOf(protocol).views });
  if (ask === null) throw new InvariantError(reason);
  const node = createWitnessNode(chainIdOf(assessment.chain), url);
  const block = { number: Number(assessment.blockNumber), hash: assessment.blockHash };
  const captureMs: number[] = [];
  let witness: Witness | null = null;
  for (let i = 0; i < rounds.captures; i++) {
    const began = performance.now();
    witness = (await captureWitness(node, { block, ask })).witness;
    captureMs.push(performance.now() - began);
  }
  const bytes = bundleOf(assessment, { witness: witness as Witness, deployment, rulebook });
  const trusted = { blocks: [{ chain: assessment.chain, number: assessment.blockNumber, hash: block.hash }] };
  const verifyMs: number[] = [];
  for (let i = 0; i < rounds.verifications; i++) {
    const began = performance.now();
    const { assurance, links } = await verify(bytes, trusted);
    verifyMs.push(performance.now() - began);
    if (assurance !== "proven") throw new InvariantError(`${name} is not proven: ${JSON.stringify(links)}`);
  }
  return { name, captureMs, verifyMs, bytes: bytes.length, parts: partsOf(bytes) };
}

/** The bundle of an assessment in the middle of a log. */
function bundleOf(
  assessment: Assessment,
  { witness, deployment, rulebook }: { witness: Witness; deployment: Deployment; rulebook: Rulebook },
): Uint8Array {
  const tree = new MerkleTree();
  const others = () => {
    for (let i = 0; i < OTHER_LEAVES / 2; i++) tree.append(new Uint8Array(32));
  };
  others();
  const index = tree.append(leafHash(encodeLeaf(assessmentLeaf(assessment))));
  others();
  const head = { origin: SIGNER.name, size: tree.size, root: tree.root(), extensions: [] };
  return makeBundle({
    ...{ tree, checkpoint: SIGNER.sign(checkpointText(head)), verdict: null, anchor: null },
    rulebook: disclose(rulebook.source, assessment),
    assessment: { body: assessment, index },
    evidence: { kind: "calls", witness },
    deployment: deploymentJson(deployment),
  });
}

function partsOf(bytes: Uint8Array): Parts {
  const { rulebook, deployment, evidence } = parseBundle(bytes).bundle;
  if (evidence?.kind !== "calls") throw new InvariantError("The bundle has no witness.");
  const sizeOf = (part: unknown) => canonicalBytes(part as Json).length;
  const { codes, nodes, accounts } = evidence.witness;
  const parts = {
    ...{ code: sizeOf(codes), nodes: sizeOf(nodes), accounts: sizeOf(accounts) },
    ...{ rulebook: sizeOf(rulebook), deployment: sizeOf(deployment) },
  };
  const known = Object.values(parts).reduce((sum, size) => sum + size, 0);
  return { ...parts, rest: bytes.length - known };
}

function measureTrie(rounds: number): ProofResults["trie"] {
  const receipts = Array.from({ length: RECEIPTS }, (_, index) => receiptOf(index));
  const costs = Array.from({ length: rounds }, () => {
    const began = performance.now();
    const raws = receipts.map(encodeReceipt);
    const encoded = performance.now();
    const trie = orderedTrie(raws);
    const built = performance.now();
    const proof = trie.prove(RECEIPTS / 2);
    const proved = performance.now();
    verifyIndex({ root: trie.root, index: RECEIPTS / 2, proof });
    const verifyMs = performance.now() - proved;
    const proofBytes = proof.reduce((sum, node) => sum + node.length, 0);
    return { encodeMs: encoded - began, buildMs: built - encoded, proofBytes, verifyMs };
  });
  const least = (of: (cost: (typeof costs)[number]) => number) => Math.min(...costs.map(of));
  return {
    ...{ encodeMs: least((c) => c.encodeMs), buildMs: least((c) => c.buildMs) },
    ...{ proofBytes: least((c) => c.proofBytes), verifyMs: least((c) => c.verifyMs) },
  };
}

/** A receipt with logs like those of token transfers. */
function receiptOf(index: number): Receipt {
  const bytes = (length: number, of: number) =>
    Uint8Array.from({ length }, (_, i) => (index * 7 + of * 31 + i * 13) & 0xff);
  const logs = Array.from({ length: LOGS_PER_RECEIPT }, (_, i) => ({
    address: bytes(20, i),
    topics: [bytes(32, i + 1), bytes(32, i + 2), bytes(32, i + 3)],
    data: bytes(64, i + 4),
  }));
  return { type: 2, outcome: Uint8Array.of(1), cumulativeGas: BigInt(index + 1) * 90_000n, logs, deposit: null };
}
