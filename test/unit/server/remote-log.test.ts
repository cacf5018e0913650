import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type RemoteLog, readOn, remoteLog } from "../../../server/others/remote-log.ts";
import { InputError, ProviderError } from "../../../src/core/errors.ts";
import { EdgeTree } from "../../../src/core/log/edge-tree.ts";
import { compareHeads } from "../../../src/core/log/fault.ts";
import { openHead, parseKeyList } from "../../../src/core/log/head.ts";
import { readGrowth, readOver } from "../../../src/core/log/tile-reading.ts";
import { toHex } from "../../../src/core/proof/bytes.ts";
import { MerkleTree } from "../../../src/core/proof/merkle.ts";
import { parseTilePath, type Tile, tilePath, tilesOf } from "../../../src/core/proof/tiles.ts";
import { logKey, SampleLog, signer } from "../log/sample.ts";

let log: SampleLog;
/** Answers given in place of the log's own, by path; null for none. */
let given: Map<string, Uint8Array | number>;
let asked: string[];
let server: Server;
let remote: RemoteLog;

beforeEach(async () => {
  log = new SampleLog(700);
  given = new Map();
  asked = [];
  server = createServer((request, response) => {
    const path = (request.url ?? "").replace(/^\/log\//, "");
    asked.push(path);
    const answer = given.get(path) ?? own(path);
    if (typeof answer === "number") response.writeHead(answer, { location: "/log/key" }).end();
    else response.writeHead(200).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  remote = remoteLog(`http://127.0.0.1:${(server.address() as AddressInfo).port}/log/`, { timeoutMs: 30_000 });
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function own(path: string): Uint8Array | number {
  const text = { checkpoint: log.note(), key: `${signer.verifierKey}\n` }[path];
  if (text !== undefined) return new TextEncoder().encode(text);
  const tile = parseTilePath(path);
  if (tile === null) return 404;
  // A partial file is dropped as soon as the full one is there.
  const hasFull = tilesOf(log.tree.size).some((full) => tilePath(full) === tilePath({ ...tile, width: 256 }));
  const bytes = tile.width < 256 && hasFull ? new Uint8Array() : log.bytes(tile);
  return bytes.length === 0 ? 404 : bytes;
}

const head = async () => openHead(await remote.checkpoint(), parseKeyList(await remote.keys()));
const grow = (count: number) => {
  for (let i = 0; i < count; i++) log.add(new TextEncoder().encode(`more ${log.tree.size}`));
};

describe("reading somebody's log", () => {
  test("reads all of it, then only what is new, and finds every file right", async () => {
    const tree = new MerkleTree();
    const seen: string[] = [];
    const onEntry = (entry: Uint8Array, index: number) => seen.push(`${index} ${toHex(entry)}`);
    await readOn(remote, { tree, head: await head(), onEntry });
    expect(tree.size).toBe(700);
    grow(100);
    asked.length = 0;
    await readOn(remote, { tree, head: await head(), onEntry });
    expect(seen).toEqual(log.entries.map((entry, i) => `${i} ${toHex(entry)}`));
    expect(toHex(tree.root())).toBe(toHex(log.tree.root()));
    expect(asked.filter((path) => path.startsWith("tile")).sort()).toEqual([
      ...["tile/0/002", "tile/0/003.p/32", "tile/1/000.p/3", "tile/entries/002", "tile/entries/003.p/32"],
    ]);
    await readOn(remote, { tree, head: await head(), onEntry });
    expect(seen).toHaveLength(800);
  });

  test("shows how one head grew to the next from a few tiles", async () => {
    const earlier = await head();
    grow(50);
    const later = await head();
    const path = await readOver(readGrowth({ first: earlier.size, second: later.size }), remote.tiles);
    expect(compareHeads({ earlier, later, path })).toEqual({ finding: "grown", by: 50 });
  });

  test("takes the full file where a partial one has been dropped", async () => {
    const before = await head();
    grow(68);
    const tree = new MerkleTree();
    await readOn(remote, { tree, head: before });
    expect(asked).toContain("tile/0/002");
    expect(tree.size).toBe(700);
  });

  test.each([
    ["tile/entries/000", "changed"],
    ["tile/entries/001", "cut"],
    ["tile/entries/002.p/188", "cut"],
    ["tile/0/001", "changed"],
    ["tile/0/002.p/188", "cut"],
    ["tile/1/000.p/2", "changed"],
  ])("finds %s %s", async (path, how) => {
    const bytes = own(path) as Uint8Array;
    given.set(path, how === "cut" ? bytes.slice(0, -1) : bytes.with(40, (bytes[40] as number) ^ 1));
    await expect(readOn(remote, { tree: new MerkleTree(), head: await head() })).rejects.toThrow(InputError);
  });

  test("finds entries that are not those of the head, though every file agrees with the others", async () => {
    const signed = await head();
    log = new SampleLog(700, "fork");
    await expect(readOn(remote, { tree: new MerkleTree(), head: signed })).rejects.toThrow(InputError);
    const tree = new MerkleTree();
    await readOn(remote, { tree, head: await head() });
    await expect(readOn(remote, { tree, head: new SampleLog(5).head() })).rejects.toThrow(InputError);
  });

  test("asks for a few files at a time, whatever size a log has signed", async () => {
    const asked: number[] = [];
    const tiles = async (files: readonly Tile[]) => {
      asked.push(files.length);
      throw new ProviderError("It does not answer.");
    };
    const head = { origin: logKey.name, size: 2 ** 52, root: new Uint8Array(32), note: "" };
    await expect(readOn({ tiles }, { tree: new EdgeTree(), head })).rejects.toThrow(ProviderError);
    expect(asked).toEqual([8]);
  });

  test("keeps little of a long log while it reads, and checks every tile of hashes once all the same", async () => {
    const size = 140_000;
    const long = new SampleLog(size, "");
    const tree = new EdgeTree();
    const hashTiles: string[] = [];
    const wrong = new Set<string>();
    const tiles = async (files: readonly Tile[]) => {
      hashTiles.push(...files.filter(({ kind }) => kind === "hashes").map(tilePath));
      return files.map((tile) => (wrong.has(tilePath(tile)) ? new Uint8Array(32 * tile.width) : long.bytes(tile)));
    };
    await readOn({ tiles }, { tree, head: long.head() });
    const all = tilesOf(size).filter(({ kind }) => kind === "hashes");
    expect([...hashTiles].sort()).toEqual(all.map(tilePath).sort());
    expect([0, 131_071, size - 1].map((index) => tree.node(0, index) !== null)).toEqual([false, false, true]);
    expect(toHex(tree.root())).toBe(toHex(long.tree.root()));
    for (const path of ["tile/0/511", "tile/1/001", "tile/2/000.p/2"]) {
      wrong.clear();
      wrong.add(path);
      const read = readOn({ tiles }, { tree: new EdgeTree(), head: long.head() });
      await expect(read, path).rejects.toThrow(
        new InputError(`${path} does not hold the hashes of the log's own entries.`),
      );
    }
  });

  test.each([
    ["is missing", 404],
    ["fails", 500],
    ["is said to be elsewhere", 302],
    ["is said to be elsewhere for good", 308],
    ["is too long", new Uint8Array(70_000)],
  ])("says so when a file %s", async (_, answer) => {
    given.set("checkpoint", answer);
    await expect(remote.checkpoint()).rejects.toThrow(ProviderError);
    if (typeof answer !== "number") return;
    given.set("tile/0/000", answer);
    await expect(remote.tiles([{ kind: "hashes", level: 0, index: 0, width: 256 }])).rejects.toThrow(ProviderError);
  });

  test("says so when nobody answers, and when it is not told where", async () => {
    const nobody = remoteLog("http://127.0.0.1:1/log", { timeoutMs: 500 });
    await expect(nobody.checkpoint()).rejects.toThrow(ProviderError);
    for (const prefix of ["", "127.0.0.1/log", "ftp://host/log", "https://"]) {
      expect(() => remoteLog(prefix, { timeoutMs: 500 })).toThrow(InputError);
    }
    expect(logKey.name).toBe((await head()).origin);
  });
});
