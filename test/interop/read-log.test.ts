import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hexToBytes } from "@noble/hashes/utils.js";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ensureSigningSeed } from "../../server/auth/keys.ts";
import type { RunningServer } from "../../server/server.ts";
import { cosignerOf } from "../../src/core/log/cosignature.ts";
import { addSignatures, jointSigner } from "../../src/core/log/head.ts";
import { type Checkpoint, checkpointText, parseCheckpoint, parseNote, signerOf } from "../../src/core/proof/note.ts";
import { createWorld, tellLongStory, until, type World } from "../server/support/world.ts";
import { buildReader, isGoThere, type Reading, readWithGo, type Wanted } from "./go.ts";

const witness = cosignerOf("witness.test/go", new Uint8Array(32).fill(32));
const headOf = (note: string): Checkpoint => parseCheckpoint(parseNote(note).text);

describe.skipIf(!isGoThere())("the log of a running server, read with Go's packages", () => {
  let folder: string;
  let program: string;
  let world: World;
  let server: RunningServer;
  /** Two of its checkpoints. */
  let older: string;
  let newer: string;
  /** What a file of the log is replaced by on its way to the program. */
  let changes: Map<string, (bytes: Buffer) => Buffer>;
  let proxy: Server;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "plumbline-go-"));
    program = buildReader(folder);
    world = await createWorld();
    tellLongStory(world, 120);
    server = await world.start();
    older = await sealedUpTo(60);
    newer = await sealedUpTo(120);
    proxy = createServer(async (request, response) => {
      const answer = await fetch(`${server.url}${request.url}`);
      const change = changes.get((request.url as string).slice("/log/".length));
      const bytes = Buffer.from(await answer.arrayBuffer());
      response.writeHead(answer.status).end(change === undefined ? bytes : change(bytes));
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  });
  afterAll(async () => {
    proxy?.closeAllConnections();
    proxy?.close();
    await world?.end();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    changes = new Map();
  });

  /** The checkpoint after both chains have been sealed up to a block. */
  async function sealedUpTo(block: number): Promise<string> {
    for (const chain of world.chains) chain.finalized = block;
    await until(async () => {
      const health = (await (await fetch(`${server.url}/v1/health`)).json()) as { chains: { sealed: string }[] };
      return health.chains.every(({ sealed }) => sealed === String(block));
    }, `block ${block} to be sealed`);
    return await (await fetch(`${server.url}/log/checkpoint`)).text();
  }

  function signer() {
    return signerOf(world.options.origin, hexToBytes(ensureSigningSeed(world.dataDir)));
  }

  async function read(wanted: Partial<Wanted> = {}): Promise<Reading> {
    const log = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/log`;
    return await readWithGo(program, { log, key: signer().verifierKey, ...wanted });
  }

  function fileOf(note: string): string {
    const file = join(folder, "older");
    writeFileSync(file, note);
    return file;
  }

  test("opens its checkpoint, proves every leaf to be in it and an older one to be its beginning", async () => {
    expect(headOf(older).size).toBeGreaterThan(256);
    expect(headOf(newer).size).toBeGreaterThan(512);
    const wanted = { log: `${server.url}/log`, older: fileOf(older) };
    expect(await read(wanted)).toEqual({ ok: true, size: headOf(newer).size, older: headOf(older).size });
  });

  test("finds the signatures of a next key and of a witness beside the log's own", async () => {
    const next = signerOf(world.options.origin, new Uint8Array(32).fill(31));
    const joint = jointSigner([next, signer()]).sign(parseNote(newer).text);
    const cosigned = addSignatures(joint, [witness.cosign(parseNote(newer).text, 1_700_000_000n)]);
    changes.set("checkpoint", () => Buffer.from(cosigned));
    for (const key of [signer().verifierKey, next.verifierKey]) {
      expect(await read({ key, witness: witness.verifierKey })).toMatchObject({ ok: true });
    }
    const stranger = cosignerOf("witness.test/other", new Uint8Array(32).fill(33));
    expect(await read({ witness: stranger.verifierKey })).toMatchObject({ ok: false });
  });

  test.each([
    ["tile/0/000", 5_000],
    ["tile/0/001", 8_191],
    ["tile/entries/000", 300],
    ["tile/entries/001", 20_000],
  ])("does not accept it with one bit of %s changed", async (path, at) => {
    changes.set(path, (bytes) => {
      bytes[at] = (bytes[at] as number) ^ 1;
      return bytes;
    });
    expect(await read()).toMatchObject({ ok: false });
  });

  test.each(["tile/0/001", "tile/entries/001"])("does not accept it with %s cut short", async (path) => {
    changes.set(path, (bytes) => bytes.subarray(0, -32));
    expect(await read()).toMatchObject({ ok: false });
  });

  test("does not accept another key's signature, or another text under its own", async () => {
    const other = signerOf(world.options.origin, new Uint8Array(32).fill(34));
    expect(await read({ key: other.verifierKey })).toMatchObject({ ok: false });
    changes.set("checkpoint", (bytes) => Buffer.from(bytes.toString().replace(/\n\d+\n/, "\n300\n")));
    expect(await read()).toMatchObject({ ok: false });
  });

  test("does not accept an older checkpoint of another history, though the log signed it", async () => {
    const forked = signer().sign(checkpointText({ ...headOf(older), root: new Uint8Array(32).fill(1) }));
    const reading = await read({ older: fileOf(forked) });
    expect(reading).toMatchObject({ ok: false, reason: expect.stringContaining("consistency") });
  });
});
