import { expect } from "vitest";
import { equalBytes, toHex } from "../../../src/core/proof/bytes.ts";
import { parseLeaf } from "../../../src/core/proof/leaf.ts";
import { leafHash, MerkleTree, verifyConsistency } from "../../../src/core/proof/merkle.ts";
import { isSignedBy, parseCheckpoint, parseNote, parseVerifierKey } from "../../../src/core/proof/note.ts";
import { decodeEntries, tileHashes, tilePath, tilesOf } from "../../../src/core/proof/tiles.ts";

/** A log as an outsider has read and checked it. */
export type CheckedLog = { size: number; root: Uint8Array; tree: MerkleTree; leaves: Uint8Array[] };

/**
 * Reads the whole log from outside and checks all of it: the checkpoint's signature, every tile, every leaf, nothing
 * beyond the end. With an `older` reading it also checks that the log has only grown.
 */
export async function checkLog(url: string, older: CheckedLog | null = null): Promise<CheckedLog> {
  const verifier = parseVerifierKey((await text(`${url}/log/key`)).trim());
  const signed = await text(`${url}/log/checkpoint`);
  const note = parseNote(signed);
  expect(isSignedBy(note, verifier)).toBe(true);
  const { size, root, origin } = parseCheckpoint(note.text);
  expect(origin).toBe(verifier.name);

  const tiles = tilesOf(size);
  const leaves: Uint8Array[] = [];
  for (const tile of tiles.filter(({ kind }) => kind === "entries")) {
    leaves.push(...decodeEntries(await bytes(`${url}/log/${tilePath(tile)}`)));
  }
  expect(leaves).toHaveLength(size);
  const tree = MerkleTree.from(leaves.map(leafHash));
  expect(toHex(tree.root())).toBe(toHex(root));
  for (const leaf of leaves) parseLeaf(leaf);
  for (const tile of tiles) {
    if (tile.kind === "entries") continue;
    expect(equalBytes(await bytes(`${url}/log/${tilePath(tile)}`), tileHashes(tree, tile) as Uint8Array)).toBe(true);
  }
  const beyond = tilePath({ kind: "entries", index: Math.floor(size / 256), width: (size % 256) + 1 });
  const answer = await fetch(`${url}/log/${beyond}`);
  const hasGrown = (await text(`${url}/log/checkpoint`)) !== signed;
  expect(answer.status === 404 || hasGrown).toBe(true);

  if (older !== null && older.size > 0) {
    expect(size).toBeGreaterThanOrEqual(older.size);
    const proof = tree.consistencyProof(older.size, size);
    const claim = { first: older.size, second: size, firstRoot: older.root, secondRoot: root, proof };
    expect(verifyConsistency(claim)).toBe(true);
  }
  return { size, root, tree, leaves };
}

async function text(url: string): Promise<string> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return await response.text();
}

async function bytes(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return new Uint8Array(await response.arrayBuffer());
}

/** Each chain's leaves in order. Chains interleave freely, so only these sequences are the same in every run. */
export function sequences({ leaves }: CheckedLog): Record<string, string[]> {
  const byChain: Record<string, string[]> = {};
  for (const bytes of leaves) {
    const chain = String(parseLeaf(bytes).chainId);
    byChain[chain] = [...(byChain[chain] ?? []), toHex(bytes)];
  }
  return byChain;
}
