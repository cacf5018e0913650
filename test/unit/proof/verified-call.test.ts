import { MerkleStateManager, verifyMerkleStateProof } from "@ethereumjs/statemanager";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import type { Hex } from "../../../src/core/ids.ts";
import { asked, type Request, type ViewCall } from "../../../src/core/proof/ask.ts";
import { fromBase64, fromHex, toBase64, toHex } from "../../../src/core/proof/bytes.ts";
import { decodeHeader } from "../../../src/core/proof/chain/header.ts";
import { keccak256 } from "../../../src/core/proof/chain/keccak.ts";
import { NodeSet } from "../../../src/core/proof/chain/node-set.ts";
import { decodeRlp, encodeRlp, type Rlp } from "../../../src/core/proof/chain/rlp.ts";
import { readTrie } from "../../../src/core/proof/chain/trie.ts";
import { packBytes } from "../../../src/core/proof/packing.ts";
import { OutsideWitness } from "../../../src/core/proof/proven-state.ts";
import { type BlockTrust, runVerified } from "../../../src/core/proof/verified-call.ts";

import { parseWitness, type Witness, witnessBytes } from "../../../src/core/proof/witness.ts";
import recorded from "./witness.fixture.json" with { type: "json" };

/**
 * Recorded by `captureWitness` on the devnet's Perp v2 chain: what the vault holds, by its token's `balanceOf`, and the
 * oracle's `latestRoundData`, with what the node said they return.
 */
const { trust, calls, returned } = recorded as unknown as {
  trust: { chainId: number; blockHash: Hex };
  calls: ViewCall[];
  returned: Hex[];
};
const witness = recorded.witness as unknown as Witness;

// biome-ignore lint/suspicious/noExplicitAny: a test changes what is read-only elsewhere.
type Loose = any;

function changed(change: (copy: Loose) => void): Witness {
  const copy = structuredClone(witness);
  change(copy);
  return copy;
}

type Given = { witness?: Witness; trust?: BlockTrust; calls?: readonly Request[] };

const verify = ({ calls: requests = calls, ...given }: Given = {}) =>
  runVerified({ witness, trust, ask: () => asked(requests), ...given });

const token = witness.accounts.findIndex(({ address }) => address === calls[0]?.to);
const oracle = witness.accounts.findIndex(({ address }) => address === calls[1]?.to);
/** The state's root and its node. */
const root = toHex(decodeHeader(fromHex(witness.header)).stateRoot);
const top = witness.nodes.find((node) => toHex(keccak256(fromBase64(node))) === root);

describe("a verified call", () => {
  it("returns what the protocol's view said in the block", async () => {
    const run = await verify();
    expect(run.result).toEqual(returned);
    expect(run.block.number.toString()).toBe(recorded.block.number);
    expect(run.block.timestamp.toString()).toBe(recorded.block.timestamp);
  });

  it("returns the same again, from the witness's bytes too", async () => {
    const [first, second] = [await verify(), await verify({ witness: parseWitness(witnessBytes(witness)) })];
    expect(second).toEqual(first);
  });
});

describe("a witness is refused", () => {
  it.each<[string, RegExp, (w: Loose) => void]>([
    ["with a wrong slot value", /Slot 0x\w+ of 0x\w+ is 0x\w+, but the witness says/, (w) => raise(w.accounts[token])],
    ["with a wrong balance", /balance of 0x\w+/, (w) => (w.accounts[token].balance = "1")],
    ["with a wrong nonce", /nonce of 0x\w+/, (w) => (w.accounts[token].nonce = "77")],
    ["with another account's storage", /storageHash of/, (w) => swap(w, "storageHash")],
    ["with another account's code", /codeHash of/, (w) => swap(w, "codeHash")],
    ["with another account under an address", /is not proven|but the witness says/, (w) => swap(w, "address")],
    ["without an account", /reads account 0x\w+, which is not in/, (w) => drop(w)],
    ["without the nodes of one", /is not proven.*missing/, (w) => (w.nodes = w.nodes.filter((n: string) => n !== top))],
    ["without any nodes", /is not proven.*missing/, (w) => (w.nodes = [])],
    ["without code", /runs the code 0x\w+ of 0x\w+, which is not in/, (w) => (w.codes = {})],
    ["with other code under its hash", /the code called 0x\w+ has the hash/, (w) => exchangeCode(w)],
    ["with code nobody runs", /has code 0x\w+, which no call runs/, (w) => addCode(w)],
    ["with nodes that prove nothing", /not on the way to any key/, (w) => addNode(w)],
  ])("%s", async (_, fault, change) => {
    const spoiled = verify({ witness: changed(change) });
    await expect(spoiled).rejects.toThrow(InputError);
    await expect(verify({ witness: changed(change) })).rejects.toThrow(fault);
  });

  it("without a slot a call reads", async () => {
    for (const [i, { slots }] of witness.accounts.entries()) {
      for (const at of slots.keys()) {
        const without = changed((w) => w.accounts[i].slots.splice(at, 1));
        const nodes = nodesOf(without);
        await expect(verify({ witness: { ...without, nodes } })).rejects.toThrow(OutsideWitness);
      }
    }
  });

  it("with an account or a slot that no call reads", async () => {
    await expect(verify({ calls: calls.slice(0, 1) })).rejects.toThrow(/which no call/);
    await expect(verify({ calls: calls.slice(1) })).rejects.toThrow(/which no call/);
  });

  it("when another call is asked for, or none", async () => {
    const other = { to: calls[0]?.to as Hex, data: `0x70a08231${"12".padStart(64, "0")}` as Hex };
    await expect(verify({ calls: [...calls, other] })).rejects.toThrow(OutsideWitness);
    await expect(verify({ calls: [...calls, { to: `0x${"12".repeat(20)}`, data: "0x" }] })).rejects.toThrow(InputError);
    await expect(verify({ calls: [] })).rejects.toThrow(InputError);
  });

  it("of another block than the trusted one", async () => {
    const blockHash: Hex = `0x${"12".repeat(32)}`;
    await expect(verify({ trust: { ...trust, blockHash } })).rejects.toThrow(/not of the trusted block/);
    const later = changed((w) => (w.header = withField(w.header, { place: 11, value: Uint8Array.of(1) })));
    await expect(verify({ witness: later })).rejects.toThrow(/not of the trusted block/);
  });

  it("of a block with another state, even when that block is trusted", async () => {
    const header = withField(witness.header, { place: 3, value: new Uint8Array(32).fill(7) });
    const blockHash = toHex(keccak256(fromHex(header)));
    const other = verify({ witness: { ...witness, header }, trust: { ...trust, blockHash } });
    await expect(other).rejects.toThrow(/is not proven/);
  });

  it("when any of its bytes is another, and never by a crash", async () => {
    const bytes = witnessBytes(witness);
    let state = 1;
    for (let i = 0; i < 400; i++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      const at = state % bytes.length;
      const spoiled = bytes.slice();
      spoiled[at] = (spoiled[at] as number) ^ (1 + (i % 15));
      const outcome = (async () => verify({ witness: parseWitness(spoiled) }))();
      await expect(outcome, `byte ${at}`).rejects.toThrow(InputError);
    }
  });
});

describe("the proofs in a witness", () => {
  it("are accepted by another implementation too, which refuses another value", async () => {
    for (const account of witness.accounts) {
      const proof = standardProof(account);
      expect(keccak256(fromHex(proof.accountProof[0] as Hex))).toEqual(fromHex(root));
      expect(await verifyMerkleStateProof(new MerkleStateManager(), proof)).toBe(true);
      const richer = { ...proof, balance: "0x123456" as const };
      await expect(verifyMerkleStateProof(new MerkleStateManager(), richer)).rejects.toThrow();
    }
  });
});

function raise(account: { slots: { value: string }[] }): void {
  const [slot] = account.slots as [{ value: string }];
  slot.value = `0x${(BigInt(slot.value) + 1n).toString(16).padStart(64, "0")}`;
}

/** Exchanges a field of token and oracle; the accounts stay in order of address. */
function swap(w: Loose, field: string): void {
  const [a, b] = [w.accounts[token][field], w.accounts[oracle][field]];
  w.accounts[token][field] = b;
  w.accounts[oracle][field] = a;
  w.accounts.sort((x: { address: string }, y: { address: string }) => (x.address < y.address ? -1 : 1));
}

function drop(w: Loose): void {
  w.accounts.splice(oracle, 1);
  w.nodes = nodesOf(w);
}

function exchangeCode(w: Loose): void {
  for (const hash of Object.keys(w.codes)) w.codes[hash] = toBase64(packBytes(fromHex("0x60015f5260205ff3")));
}

function addCode(w: Loose): void {
  w.codes[toHex(keccak256(Uint8Array.of(0xfe)))] = toBase64(packBytes(Uint8Array.of(0xfe)));
}

function addNode(w: Loose): void {
  const raw = encodeRlp([Uint8Array.of(0x20), new Uint8Array(40).fill(1)]);
  w.nodes = [...w.nodes, toBase64(raw)].sort();
}

function withField(header: Hex, { place, value }: { place: number; value: Uint8Array }): Hex {
  const fields = [...(decodeRlp(fromHex(header)) as Rlp[])];
  fields[place] = value;
  return toHex(encodeRlp(fields));
}

/** The nodes between a root and a key, top first. */
function pathOf({ nodes }: Witness, { top, key }: { top: Hex; key: Hex }): Uint8Array[] {
  const path: Uint8Array[] = [];
  const { read } = new NodeSet(nodes.map(fromBase64));
  const nodeOf = (hash: Uint8Array) => {
    path.push(read(hash));
    return read(hash);
  };
  readTrie({ root: fromHex(top), key: keccak256(fromHex(key)), nodeOf });
  return path;
}

/** The nodes that the accounts and slots of a witness need, and no others. */
function nodesOf(w: Witness): string[] {
  const paths = w.accounts.flatMap(({ address, storageHash, slots }) => [
    pathOf(w, { top: root, key: address }),
    ...slots.map(({ key }) => pathOf(w, { top: storageHash, key })),
  ]);
  return [...new Set(paths.flat().map(toBase64))].sort();
}

/** An account's proof as EIP-1186 has it. */
function standardProof({ address, nonce, balance, storageHash, codeHash, slots }: Witness["accounts"][number]) {
  return {
    ...{ address, storageHash, codeHash },
    nonce: `0x${BigInt(nonce).toString(16)}` as Hex,
    balance: `0x${BigInt(balance).toString(16)}` as Hex,
    accountProof: pathOf(witness, { top: root, key: address }).map(toHex),
    storageProof: slots.map(({ key, value }) => {
      return { key, value, proof: pathOf(witness, { top: storageHash, key }).map(toHex) };
    }),
  };
}
