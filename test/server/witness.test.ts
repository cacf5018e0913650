import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { runWitness, type WitnessFlags } from "../../bin/commands/witness.ts";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import { encodeAddCheckpoint, parseConflict } from "../../src/core/log/add-checkpoint.ts";
import { checkQuorum, quorumOf } from "../../src/core/log/cosignature.ts";
import { addSignatures } from "../../src/core/log/head.ts";
import { parseCanonical } from "../../src/core/proof/canonical.ts";
import { parseNote, parseVerifierKey, signerOf } from "../../src/core/proof/note.ts";
import { account, LOG_NAME, Operator } from "../support/operator.ts";
import { keepPrinted, type Printed } from "../support/printed.ts";
import { until } from "./support/world.ts";

const MARKET = { balances: [50, 60, 70, 80], threshold: 65 };

let folder: string;
let other: Operator;
let own: Operator;
let urls: { other: string; own: string };
let printed: Printed;
const ends: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-witness-"));
  vi.stubEnv("PLUMBLINE_DATA", folder);
  vi.stubEnv("HOST", "127.0.0.1");
  [other, own] = [new Operator(MARKET), new Operator(MARKET, 8)];
  urls = { other: await other.listen(), own: await own.listen() };
  for (const operator of [other, own]) operator.epoch();
  other.fill(20);
  printed = keepPrinted();
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await Promise.all([other.stop(), own.stop()]);
  rmSync(folder, { recursive: true });
});

const flags = (changes: Partial<WitnessFlags> = {}): WitnessFlags => ({
  ...{ follow: `${urls.other}/log`, own: urls.own, logKey: [other.signer.verifierKey] },
  ...{ name: "witness.test/w", port: "0", every: "1" },
  ...changes,
});
const look = (changes: Partial<WitnessFlags> = {}) =>
  runWitness(flags({ once: true, ...changes }), new AbortController().signal);

/** Runs a witness until the test ends, or `stop`. */
async function start(changes: Partial<WitnessFlags> = {}) {
  printed.out = "";
  const stop = new AbortController();
  const running = runWitness(flags(changes), stop.signal);
  const end = async () => {
    stop.abort();
    return await running;
  };
  ends.push(end);
  await Promise.race([until(() => printed.out.includes("/add-checkpoint"), "the address of the witness"), running]);
  const [, verifierKey = "", url = ""] =
    /witness (\S+) of .* requests to (\S+)\/add-checkpoint/.exec(printed.out) ?? [];
  return { url, verifierKey, stop: end };
}

const post = (url: string, body: string, path = "/add-checkpoint") => fetch(url + path, { method: "POST", body });
const status = async (url: string) => (await (await fetch(url)).json()) as Record<string, Record<string, unknown>>;

describe("a witness over HTTP", () => {
  test("answers with every status of tlog-witness", async () => {
    const { url, verifierKey } = await start();
    const first = await post(url, other.request(0, 10));
    expect([first.status, first.headers.get("content-type")]).toEqual([200, "text/plain; charset=utf-8"]);
    const note = parseNote(addSignatures(other.note(10), [await first.text()]));
    const logKeys = [parseVerifierKey(other.signer.verifierKey)];
    expect(checkQuorum(note, { quorum: quorumOf([verifierKey], 1), logKeys }).met).toBe(true);

    expect((await post(url, "what?")).status).toBe(400);
    const above = encodeAddCheckpoint({ oldSize: 15, proof: [], note: other.note(12) });
    expect((await post(url, above)).status).toBe(400);

    const forged = signerOf(LOG_NAME, new Uint8Array(32).fill(66)).sign(parseNote(other.note()).text);
    const proof = other.tree.consistencyProof(10);
    expect((await post(url, encodeAddCheckpoint({ oldSize: 10, proof, note: forged }))).status).toBe(403);

    const elsewhere = signerOf("elsewhere.test/log", new Uint8Array(32).fill(67));
    const text = parseNote(other.note()).text.replace(LOG_NAME, elsewhere.name);
    const unknown = encodeAddCheckpoint({ oldSize: 10, proof, note: elsewhere.sign(text) });
    expect((await post(url, unknown)).status).toBe(404);

    const stale = await post(url, other.request(0));
    expect([stale.status, stale.headers.get("content-type")]).toEqual([409, "text/x.tlog.size"]);
    expect(parseConflict(await stale.text())).toBe(10);

    const wrong = encodeAddCheckpoint({ oldSize: 10, proof: proof.slice(1), note: other.note() });
    expect((await post(url, wrong)).status).toBe(422);

    expect((await post(url, "x".repeat(100_000))).status).toBe(413);

    own.changes.set("/v1/epochs", () => ({ status: 404, body: "" }));
    other.epoch();
    const waiting = await post(url, other.request(10));
    expect([waiting.status, waiting.headers.get("retry-after")]).toEqual([503, "5"]);
    own.changes.clear();

    expect((await post(url, other.request(10, other.tree.size - 1))).status).toBe(200);
    expect((await fetch(`${url}/else`)).status).toBe(404);
    expect((await fetch(`${url}/add-checkpoint`)).status).toBe(404);
  });

  test("refuses by 403 what does not agree, says so at GET /, and goes on refusing after a restart", async () => {
    own.epoch();
    other.epoch({ stateCount: "77" });
    const size = other.tree.size - 1;
    const first = await start();
    await until(() => printed.out.includes("not cosigned"), "a refusal");
    const refused = await post(first.url, other.request(0));
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining("stateCount")]);
    expect((await post(first.url, other.request(0, size))).status).toBe(200);
    expect(await status(first.url)).toMatchObject({
      ...{ witness: first.verifierKey, compares: "epochs", compared: size },
      ...{ log: { origin: LOG_NAME, url: `${urls.other}/log` }, cosigned: { size }, refused: { above: size } },
    });
    expect(await first.stop()).toBe(0);
    const second = await start();
    expect(second.verifierKey).toBe(first.verifierKey);
    expect((await post(second.url, other.request(size))).status).toBe(403);
    expect(await second.stop()).toBe(0);
    own.epochs[1] = other.epochs[1] as never;
    const third = await start({ again: true });
    expect((await post(third.url, other.request(size))).status).toBe(200);
  });

  test("goes on while the log or the own server is away", async () => {
    own.changes.set("/v1", () => ({ status: 500, body: "" }));
    const { url } = await start();
    await until(() => printed.err.includes("Trying again in 1 s"), "a warning");
    expect((await post(url, other.request(0))).status).toBe(503);
    own.changes.clear();
    await until(() => printed.out.includes("1 epochs agree"), "an agreement");
    expect((await post(url, other.request(0))).status).toBe(200);
  });
});

describe("one look of a witness", () => {
  test("ends in 0 where everything agrees, and makes a key that only its owner can read", async () => {
    expect(await look()).toBe(0);
    expect(printed.out).toContain(`${other.tree.size} leaves`);
    expect(printed.out).toContain("1 epochs agree");
    expect(await look({ consistencyOnly: true, own: undefined as never })).toBe(0);
    expect(readdirSync(join(folder, "witness")).sort()).toEqual(["witness.key", "witness.sqlite"]);
  });

  test("ends in 1 with the account and the figure, in a line and in a file", async () => {
    await Promise.all([other.stop()]);
    other = new Operator({ ...MARKET, balances: [50, 60, 71, 80] });
    urls.other = await other.listen();
    other.epoch();
    expect(await look()).toBe(1);
    const line = printed.out.split("\n").find((text) => text.includes("not cosigned")) ?? "";
    expect(line).toContain("Epoch 0 of eip155:901 differs in stateRoot");
    expect(line).toContain(account(2));
    expect(line).toContain("theirs 71, own 70");
    const file = /evidence: (\S+)/.exec(printed.out)?.[1] as string;
    expect(parseCanonical(readFileSync(file))).toMatchObject({
      version: "plumbline-epoch-difference/1",
      leaf: { tree: "state", theirs: "71", ours: "70" },
    });
    // Once more the same, from what was kept.
    printed.out = "";
    other.changes.set("/v1", () => ({ status: 404, body: "" }));
    expect(await look()).toBe(1);
    expect(printed.out).toContain("theirs 71, own 70");
  });

  test("ends in 1 with the rule whose threshold differs", async () => {
    await other.stop();
    other = new Operator({ ...MARKET, threshold: 75 });
    urls.other = await other.listen();
    other.epoch();
    expect(await look()).toBe(1);
    expect(printed.out).toContain("In the rulebook eu.rules[R-MIN].threshold differs: theirs 75, own 65.");
    expect(printed.out).toContain(`eip155:901:${account(2)}|R-MIN, in it condition: theirs not_met, own met.`);
  });

  test("ends in 1 without a name where the other does not serve what it sealed", async () => {
    await other.stop();
    other = new Operator({ ...MARKET, balances: [50, 60, 71, 80] });
    urls.other = await other.listen();
    other.epoch();
    other.changes.set("/v1/epochs", (path) => own.answer(path));
    expect(await look()).toBe(1);
    expect(printed.out).toContain("The other server does not serve the state tree that its log has sealed.");
    expect(printed.out).not.toContain("First different leaf");
  });

  test("ends in 2 where the own server has not got there", async () => {
    other.epoch();
    expect(await look()).toBe(2);
    expect(printed.out).toContain("not compared: Epoch 1 of eip155:901 is not sealed by the own server yet.");
    await own.stop();
    await expect(look()).rejects.toThrow(ProviderError);
    own = new Operator(MARKET, 8);
    await own.listen();
  });

  test("without a key believes the served one, says so, and stays with it", async () => {
    expect(await look({ logKey: [] })).toBe(0);
    expect(printed.err).toContain("no --log-key");
    printed.err = "";
    other.changes.set("/log/key", () => ({ body: `${signerOf("other", new Uint8Array(32)).verifierKey}\n` }));
    expect(await look({ logKey: [] })).toBe(0);
    expect(printed.err).toBe("");
  });

  test("is refused with options that cannot be used", async () => {
    for (const wrong of [
      { every: "0" },
      { port: "70000" },
      { follow: "ftp://host/log" },
      { own: "host" },
      { logKey: ["x"] },
      { name: "with space" },
      { uncompared: ["901"] },
      { consistencyOnly: true },
      { logKey: [signerOf("elsewhere.test/log", new Uint8Array(32)).verifierKey] },
    ]) {
      await expect(look(wrong), JSON.stringify(wrong)).rejects.toThrow(InputError);
    }
  });

  test("is refused where the key is there and what it has cosigned is not", async () => {
    expect(await look()).toBe(0);
    const file = join(folder, "witness", "witness.sqlite");
    renameSync(file, `${file}.away`);
    await expect(look()).rejects.toThrow(InputError);
    await expect(look({ state: join(folder, "elsewhere.sqlite") })).rejects.toThrow(InputError);
    expect(await look({ state: `${file}.away` })).toBe(0);
  });
});
