/** Another operator, small and in memory: a log with epochs over trees of its own, served over HTTP as a server would. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Epoch, type EpochTree, KERNEL_VERSION } from "../../src/core/assessment.ts";
import type { Hex } from "../../src/core/ids.ts";
import { encodeAddCheckpoint } from "../../src/core/log/add-checkpoint.ts";
import { type Head, openHead } from "../../src/core/log/head.ts";
import type { StateJson } from "../../src/core/margin-model.ts";
import { compareKeys } from "../../src/core/order.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { canonicalText, type Json } from "../../src/core/proof/canonical.ts";
import { EpochTrees } from "../../src/core/proof/epoch-trees.ts";
import { bodyHash, encodeLeaf, epochLeaf, globalLeaf } from "../../src/core/proof/leaf.ts";
import { leafHash, MerkleTree } from "../../src/core/proof/merkle.ts";
import { checkpointText, parseVerifierKey, type Signer, signerOf } from "../../src/core/proof/note.ts";
import { encodeEntries, parseTilePath, type Tile, tileHashes } from "../../src/core/proof/tiles.ts";
import { rulebookHash } from "../../src/core/rules/digest.ts";

export const LOG_NAME = "operator.test/log";
const PROTOCOL = "eip155:901/perp-v2";
const ASSET = "eip155:901/erc20:0x2222222222222222222222222222222222222222";

/** Account number `n`. */
export const account = (n: number): string => `0x${n.toString(16).padStart(40, "0")}`;

type Leaves = Map<string, { tree: EpochTree; key: string; state: StateJson }>;
type Answer = { status?: number; body: string | Uint8Array; delayMs?: number };

/** What an operator's world is: accounts with a balance, and one rule with a threshold. */
export type Market = { balances: readonly number[]; threshold: number };

/** The rulebook of a threshold. */
export function rulebookOf(threshold: number): Json {
  const rules = [
    { id: "R-MIN", metric: "ACC.EQUITY", threshold: threshold.toString() },
    { id: "R-OTHER", metric: "ACC.LEVERAGE", threshold: "30" },
  ];
  return { format: "plumbline-rulebook/2", files: { eu: { jurisdiction: "EU", rules }, us: { rules: [] } } };
}

/** The leaves of the trees of a market at the end of an epoch. */
export function leavesOf({ balances, threshold }: Market, epoch: number): Leaves {
  const leaves: Leaves = new Map();
  const put = (tree: EpochTree, key: string, state: StateJson) => leaves.set(`${tree} ${key}`, { tree, key, state });
  balances.forEach((balance, n) => {
    const held = (balance + epoch).toString();
    put("state", `${PROTOCOL}/account:${account(n)}`, { collateral: { [ASSET]: held }, positions: [] });
    put("collateral", `${PROTOCOL}|${ASSET}|${account(n)}`, { held, required: "0" });
    const id = bodyHash(["R-MIN", n.toString(), epoch.toString(), threshold.toString()]).slice(2);
    const condition = balance >= threshold ? "met" : "not_met";
    put("assessment", `${PROTOCOL}|eip155:901:${account(n)}|R-MIN`, { id, condition, measured: held, reason: null });
  });
  return leaves;
}

export class Operator {
  readonly signer: Signer;
  readonly tree = new MerkleTree();
  readonly entries: Uint8Array[] = [];
  readonly epochs: Epoch[] = [];
  readonly #bodies = new Map<string, Json>();
  readonly #leaves: Leaves[] = [];
  /** Answers in place of its own, by the beginning of the path. */
  readonly changes = new Map<string, (path: string) => Answer | null>();
  /** Paths asked for. */
  readonly asked: string[] = [];
  /** Chains it follows. */
  chains = ["eip155:901"];
  #server: Server | null = null;

  constructor(
    private readonly market: Market,
    fill = 7,
  ) {
    this.signer = signerOf(LOG_NAME, new Uint8Array(32).fill(fill));
    const rulebook = rulebookOf(market.threshold);
    this.#bodies.set(rulebookHash(rulebook), rulebook);
    this.add(encodeLeaf(globalLeaf("rulebook", rulebookHash(rulebook))));
  }

  add(entry: Uint8Array): void {
    this.entries.push(entry);
    this.tree.append(leafHash(entry));
  }

  /** Entries that are no epochs. */
  fill(count: number): void {
    for (let i = 0; i < count; i++) {
      this.add(encodeLeaf(globalLeaf("fact", bodyHash({ commitment: `${LOG_NAME} ${this.tree.size}` }))));
    }
  }

  /** Ends an epoch. `given` takes the place of members of its own. */
  epoch(given: Partial<Epoch> = {}): Epoch {
    const number = this.epochs.length;
    const leaves = leavesOf(this.market, number);
    const trees = new EpochTrees();
    for (const leaf of leaves.values()) trees.put(leaf);
    const toBlock = (number + 1) * 32 - 1;
    const epoch: Epoch = {
      chain: "eip155:901",
      number: number.toString(),
      fromBlock: (number * 32).toString(),
      toBlock: toBlock.toString(),
      blockHash: toHex(leafHash(Uint8Array.of(toBlock % 256))) as Hex,
      ...trees.roots(),
      rulebookHash: rulebookHash(rulebookOf(this.market.threshold)),
      deploymentHash: toHex(leafHash(Uint8Array.of(2))) as Hex,
      kernel: KERNEL_VERSION,
      ...given,
    };
    this.epochs.push(epoch);
    this.#leaves.push(leaves);
    this.seal(epoch);
    return epoch;
  }

  /** Seals a body as an epoch, under the leaf of another one where that is given. */
  seal(body: Epoch, leaf = epochLeaf(body)): void {
    this.#bodies.set(bodyHash(body), body);
    this.add(encodeLeaf({ ...leaf, bodyHash: bodyHash(body) }));
  }

  note(size = this.tree.size): string {
    const text = checkpointText({ origin: LOG_NAME, size, root: this.tree.root(size), extensions: [] });
    return this.signer.sign(text);
  }

  head(size = this.tree.size): Head {
    return openHead(this.note(size), [parseVerifierKey(this.signer.verifierKey)]);
  }

  /** A request for a cosignature. */
  request(oldSize: number, size = this.tree.size): string {
    const proof = oldSize === 0 || oldSize > size ? [] : this.tree.consistencyProof(oldSize, size);
    return encodeAddCheckpoint({ oldSize, proof, note: this.note(size) });
  }

  async listen(): Promise<string> {
    this.#server = createServer((request, response) => {
      const path = request.url ?? "";
      this.asked.push(path);
      const [, change] = [...this.changes].find(([prefix]) => path.startsWith(prefix)) ?? [];
      const { status = 200, body, delayMs = 0 } = change?.(path) ?? this.answer(path);
      setTimeout(() => response.writeHead(status, { connection: "close" }).end(body), delayMs);
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve) ?? resolve(null));
  }

  /** What is served under a path. */
  answer(path: string): Answer {
    const url = new URL(path, "http://operator.test");
    if (url.pathname.startsWith("/log/")) return this.#file(url.pathname.slice("/log/".length));
    if (url.pathname === "/v1/health") {
      return { body: JSON.stringify({ chains: this.chains.map((chain) => ({ chain })) }) };
    }
    const body = this.#bodies.get(/^\/v1\/bodies\/(.*)$/.exec(url.pathname)?.[1] ?? "");
    if (body !== undefined) return { body: canonicalText(body) };
    const [, chain, number, leaves] = /^\/v1\/epochs\/([^/]+)\/(\d+)(\/leaves)?$/.exec(url.pathname) ?? [];
    const epoch = this.epochs[Number(number)];
    if (epoch === undefined || decodeURIComponent(chain as string) !== epoch.chain) return NOT_FOUND;
    if (leaves === undefined) return { body: JSON.stringify({ epoch, index: 1, proof: [], checkpoint: this.note() }) };
    return { body: JSON.stringify(this.#page(Number(number), url.searchParams)) };
  }

  #page(number: number, query: URLSearchParams) {
    const limit = Math.min(3, Number(query.get("limit")));
    const after = query.get("after");
    const all = [...(this.#leaves[number] as Leaves).values()]
      .filter(({ tree, key }) => tree === query.get("tree") && (after === null || key > after))
      .sort((a, b) => compareKeys(a.key, b.key));
    const leaves = all.slice(0, limit).map(({ key, state }) => ({ key, state }));
    return { leaves, next: all.length > limit ? leaves.at(-1)?.key : null };
  }

  #file(path: string): Answer {
    if (path === "checkpoint") return { body: this.note() };
    if (path === "key") return { body: `${this.signer.verifierKey}\n` };
    const tile: Tile | null = parseTilePath(path);
    if (tile === null) return NOT_FOUND;
    if (tile.kind === "hashes") return { body: tileHashes(this.tree, tile) ?? new Uint8Array() };
    return { body: encodeEntries(this.entries.slice(tile.index * 256, tile.index * 256 + tile.width)) };
  }
}

const NOT_FOUND: Answer = { status: 404, body: '{"error":"There is nothing at this address."}' };
