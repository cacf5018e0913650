/**
 * An attacker's tools: a log of his own, and states and receipts of his own. What he makes contradicts itself nowhere; he
 * only cannot make the hash of a block that is not his.
 */
import { adapterOf } from "../../src/adapters/catalogue.ts";
import { InputError } from "../../src/core/errors.ts";
import { chainIdOf, type Hex } from "../../src/core/ids.ts";
import { type Cosigner, cosignerOf } from "../../src/core/log/cosignature.ts";
import { headNote } from "../../src/core/log/head-note.ts";
import type { Anchoring } from "../../src/core/proof/bundle.ts";
import { fromBase64, fromHex, toBase64, toHex } from "../../src/core/proof/bytes.ts";
import { decodeHeader } from "../../src/core/proof/chain/header.ts";
import { keccak256 } from "../../src/core/proof/chain/keccak.ts";
import { NodeSet } from "../../src/core/proof/chain/node-set.ts";
import { orderedTrie, readIndex } from "../../src/core/proof/chain/ordered-trie.ts";
import { decodeReceipt, encodeReceipt, type Receipt } from "../../src/core/proof/chain/receipt.ts";
import { derive } from "../../src/core/proof/derive.ts";
import { assessmentId, verdictId } from "../../src/core/proof/ids.ts";
import { assessmentLeaf, encodeLeaf, verdictBody, verdictLeaf } from "../../src/core/proof/leaf.ts";
import { deploymentFrom } from "../../src/core/proof/links/place.ts";
import { leafHash, MerkleTree } from "../../src/core/proof/merkle.ts";
import { checkpointText, type Signer, signerOf } from "../../src/core/proof/note.ts";
import { runVerified } from "../../src/core/proof/verified-call.ts";
import { dayOf } from "../../src/core/rules/day.ts";
import { disclosedRulebook } from "../../src/core/rules/disclosure.ts";
import { ruleAt } from "../../src/core/rules/rule.ts";
import { anchoringOf } from "../unit/proof/anchor-sample.ts";
import { SIGNER, WITNESSES } from "../unit/proof/sample.ts";
import { concluded } from "./conclude.ts";
import type { Draw } from "./draw.ts";
import type { Tree } from "./tree.ts";

/** The attacker's keys: one under a name of his own, one under the name of the honest log. */
const ATTACKERS: readonly Signer[] = ["attacker.example/log", SIGNER.name].map((name, i) =>
  signerOf(name, new Uint8Array(32).fill(66 + i)),
);

/** The attacker's witnesses: a stranger, and keys of his own under the names of those the reader relies on. */
const ACCOMPLICES: readonly Cosigner[] = ["accomplice.example/w", ...WITNESSES.map(({ name }) => name)].map((name, i) =>
  cosignerOf(name, new Uint8Array(32).fill(76 + i)),
);

/**
 * Puts what a bundle says into the attacker's own log, in place: ids, leaf, tree, signature and cosignatures made again. On
 * a chain it is not, or in a block of his own, by the anchor the reader believes in.
 */
export function reseal(bundle: Tree, draw: Draw): void {
  const body = bundle.assessment.body;
  body.id = assessmentId(body);
  const tree = new MerkleTree();
  for (let i = 0; i < 5; i++) tree.append(leafHash(Uint8Array.of(i)));
  const index = tree.append(leafHash(encodeLeaf(assessmentLeaf(body))));
  const { verdict } = bundle;
  if (verdict !== null) {
    verdict.body = verdictBody(body, { id: verdictId(body.id), commitment: verdict.body.commitment });
    verdict.index = String(tree.append(leafHash(encodeLeaf(verdictLeaf(verdict.body)))));
  }
  const proofAt = (at: number): Hex[] => tree.inclusionProof(at, tree.size).map(toHex);
  Object.assign(bundle.assessment, { index: String(index), proof: proofAt(index) });
  if (verdict !== null) verdict.proof = proofAt(Number(verdict.index));
  const signer = draw.one(ATTACKERS);
  const head = { origin: signer.name, size: tree.size, root: tree.root(), extensions: [] };
  const text = checkpointText(head);
  const accomplices = ACCOMPLICES.filter(() => draw.chance() < 0.5);
  bundle.checkpoint = headNote(
    signer.sign(text),
    accomplices.map((one) => one.cosign(text, 1_775_088_600n)),
  );
  bundle.claims.witnessed = String(accomplices.length);
  anchorAt(bundle, draw.chance() < 0.5 ? null : anchoringOf(head));
}

/** Says of a bundle where a chain has its checkpoint, in place. */
export function anchorAt(bundle: Tree, anchoring: Anchoring | null): void {
  bundle.claims.anchored = structuredClone(anchoring?.anchored ?? null);
  bundle.anchor = structuredClone(anchoring?.evidence ?? null);
}

/** Makes figure and condition follow from the inputs again, in place. @throws InputError when no rule takes them. */
export function conclude(bundle: Tree): void {
  if (bundle.assessment !== undefined) {
    bundle.assessment.body = { ...concluded(bundle.assessment.body, bundle.rulebook) };
  }
}

/**
 * A state in which one slot that the calls read is another: every node on its way, the account and the header made again,
 * and the inputs worked out over it. In place. @throws InputError when the slot is not one that is easily replaced, or
 * the calls over that state fail.
 */
export async function forgeState(proof: Tree, draw: Draw): Promise<void> {
  const witness = proof.witness ?? proof.evidence.witness;
  const held = draw.one((witness.accounts as Tree[]).filter(({ slots }) => slots.length > 0));
  const slot = draw.one(held.slots as Tree[]);
  const before = fromHex(`0x${slot.value.slice(2).replace(/^(00)+/, "")}`);
  if (before.length < 2) throw new InputError("The value is too short to be found in its node.");
  const after = before.slice();
  after[after.length - 1] = (after.at(-1) as number) ^ (1 << draw.below(8));
  slot.value = `0x${toHex(after).slice(2).padStart(64, "0")}`;
  const nodes = (witness.nodes as string[]).map(fromBase64);
  const at = nodes.findIndex((node) => find(node, before) !== -1);
  if (at === -1) throw new InputError("The value is in no node.");
  const changes = rehash(nodes, { at, by: replaced(nodes[at] as Uint8Array, { before, after }) });
  witness.nodes = [...nodes.map(toBase64)].sort();
  for (const account of witness.accounts) account.storageHash = changes.get(account.storageHash) ?? account.storageHash;
  const header = fromHex(witness.header);
  const { stateRoot } = decodeHeader(header);
  const root = fromHex(changes.get(toHex(stateRoot)) ?? toHex(stateRoot));
  witness.header = toHex(replaced(header, { before: stateRoot, after: root }));
  await measureOver(proof, { witness, blockHash: toHex(keccak256(fromHex(witness.header))) });
}

async function measureOver(proof: Tree, { witness, blockHash }: { witness: Tree; blockHash: Hex }): Promise<void> {
  const claim = proof.figure ?? proof.assessment.body;
  const viewsOf = (protocol: string) => adapterOf(protocol).views;
  const book = proof.rulebook === null ? null : disclosedRulebook(proof.rulebook);
  const rule = book === null ? null : ruleAt(book, claim.ruleId, dayOf(BigInt(claim.blockTimestamp)));
  const { ask } = derive(claim, { rule, deployment: deploymentFrom(proof.deployment), viewsOf });
  if (ask === null) throw new InputError("No view states it.");
  const trust = { chainId: chainIdOf(claim.chain), blockHash };
  const { result } = await runVerified({ witness, trust, ask });
  if (result.inputs === null) throw new InputError("The forged state has no such figure.");
  claim.blockHash = blockHash;
  claim.inputs = Object.fromEntries(Object.entries(result.inputs).map(([name, value]) => [name, value.toString()]));
}

/** Receipts of the attacker's own, their trie and header made again, in place. `isOwnHeader`: whether the header is, too. */
export function forgeReceipts(
  bundle: Tree,
  { change, isOwnHeader }: { change: (receipts: Receipt[]) => Receipt[]; isOwnHeader: boolean },
): void {
  const { evidence } = bundle;
  const trie = orderedTrie(change(receiptsIn(evidence)).map(encodeReceipt));
  const nodes = new Set(
    (evidence.transactions as string[]).flatMap((index) => trie.prove(Number(index))).map(toBase64),
  );
  evidence.nodes = [...nodes].sort();
  if (!isOwnHeader) return;
  const header = fromHex(evidence.header);
  const forged = replaced(header, { before: decodeHeader(header).receiptsRoot, after: trie.root });
  evidence.header = toHex(forged);
  bundle.assessment.body.blockHash = toHex(keccak256(forged));
}

/** The receipts that log evidence of the whole beginning of a block holds. */
function receiptsIn({ header, nodes, transactions }: Tree): Receipt[] {
  if (transactions[0] !== "0") throw new InputError("Not all receipts before it are there.");
  const { receiptsRoot } = decodeHeader(fromHex(header));
  const set = new NodeSet((nodes as string[]).map(fromBase64));
  return (transactions as string[]).map((index) => {
    const raw = readIndex(receiptsRoot, { index: Number(index), nodeOf: set.read });
    if (raw === null) throw new InputError("There is no such receipt.");
    return decodeReceipt(raw);
  });
}

/** Replaces a node, and its hash in whatever holds it, in place. @returns what each hash has become. */
function rehash(nodes: Uint8Array[], { at, by }: { at: number; by: Uint8Array }): Map<string, Hex> {
  const changes = new Map<string, Hex>();
  const work: { at: number; by: Uint8Array }[] = [{ at, by }];
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    const [before, after] = [keccak256(nodes[next.at] as Uint8Array), keccak256(next.by)];
    nodes[next.at] = next.by;
    changes.set(toHex(before), toHex(after));
    for (const [place, node] of nodes.entries()) {
      if (find(node, before) !== -1) work.push({ at: place, by: replaced(node, { before, after }) });
    }
  }
  return changes;
}

function find(bytes: Uint8Array, part: Uint8Array): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(part);
}

function replaced(bytes: Uint8Array, { before, after }: { before: Uint8Array; after: Uint8Array }): Uint8Array {
  const at = find(bytes, before);
  return Uint8Array.from([...bytes.subarray(0, at), ...after, ...bytes.subarray(at + before.length)]);
}
