import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asciiJson, report, type VerifyFlags, verifyAt } from "../../../bin/commands/verify.ts";
import { InputError, ProviderError } from "../../../src/core/errors.ts";
import { parseBundle } from "../../../src/core/proof/bundle.ts";
import { LINKS } from "../../../src/core/proof/verification.ts";
import { blocksIn, readClaim, type Trust, verifyBundle } from "../../../src/core/proof/verify.ts";
import { ANCHOR, anchoringOf, CONTRACT } from "./anchor-sample.ts";
import { BLOCK_TRUST, DEPLOYMENT_HASH, figureProof, provenBundle } from "./proven-sample.ts";
import { RULEBOOK, SIGNER, sampleAssessment, sampleBundle, TRUST, WITNESSES } from "./sample.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const BUNDLE = sampleBundle();
const CHANGED = BUNDLE.with(BUNDLE.length - 200, (BUNDLE[BUNDLE.length - 200] as number) ^ 1);
const KEYS = WITNESSES.slice(0, 2).map(({ verifierKey }) => verifierKey);
const LOG_KEY = { logKey: [SIGNER.verifierKey] };
const HASH = `0x${"b1".repeat(32)}`;
const OTHER_HASH = `0x${"b2".repeat(32)}`;

let folder: string;
let server: Server;
let url: string;
const file = (name: string): string => join(folder, name);
const status = async (source: string, flags: VerifyFlags = {}) => (await verifyAt(source, flags)).verification.status;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-verify-"));
  writeFileSync(file("good.json"), BUNDLE);
  writeFileSync(file("changed.json"), CHANGED);
  writeFileSync(file("huge.json"), "");
  truncateSync(file("huge.json"), 5_000_000_000);
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      if (request.url === "/bundle") response.end(BUNDLE);
      else if (request.url === "/endless") for (let i = 0; i < 5; i++) response.write(new Uint8Array(1_048_576));
      else if (request.url?.startsWith("/node/")) response.end(nodeAnswer(request.url.slice(6), body));
      else response.writeHead(404).end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

/** A node of chain 901 that knows block 4711, under the hash the path names; "gap" knows no block, "all" every one. */
function nodeAnswer(kind: string, body: string): string {
  const { method, params } = JSON.parse(body) as { method: string; params: string[] };
  if (kind === "garbage") return "<html>";
  if (method === "eth_chainId") return JSON.stringify({ result: kind === "902" ? "0x386" : "0x385" });
  const known = kind === "all" || (params[0] === "0x1267" && kind !== "gap");
  return JSON.stringify({ result: known ? { hash: kind === "fork" ? OTHER_HASH : HASH } : null });
}

describe("plumbline verify", () => {
  it("reads a file and a URL", async () => {
    expect(await status(file("good.json"), LOG_KEY)).toBe("verified");
    expect(await status(file("good.json"))).toBe("unchecked");
    expect(await status(file("changed.json"), LOG_KEY)).toBe("refuted");
    expect(await status(`${url}/bundle`, LOG_KEY)).toBe("verified");
  });

  it("refutes what is too long without reading it all", async () => {
    expect(await status(file("huge.json"), LOG_KEY)).toBe("refuted");
    expect(await status(`${url}/endless`, LOG_KEY)).toBe("refuted");
  });

  it("holds the block against the hashes it is told to trust", async () => {
    const trust = (text: string): VerifyFlags => ({ ...LOG_KEY, trust: [text] });
    expect(await status(file("good.json"), trust(`eip155:901:4711=${HASH}`))).toBe("verified");
    expect(await status(file("good.json"), trust(`eip155:901:4711=${HASH.toUpperCase().replace("0X", "0x")}`))).toBe(
      "verified",
    );
    expect(await status(file("good.json"), trust(`eip155:901:4711=${OTHER_HASH}`))).toBe("refuted");
    expect(await status(file("good.json"), trust(`eip155:901:4712=${HASH}`))).toBe("unchecked");
  });

  it("asks nodes for the block's hash, and believes only those of its chain", async () => {
    const rpc = (kind: string, chain = "eip155:901"): VerifyFlags => ({
      ...LOG_KEY,
      rpc: [`${chain}=${url}/node/${kind}`],
    });
    expect(await status(file("good.json"), rpc("901"))).toBe("verified");
    expect(await status(file("good.json"), rpc("fork"))).toBe("refuted");
    for (const kind of ["902", "gap", "garbage"]) expect(await status(file("good.json"), rpc(kind))).toBe("unchecked");
    expect(await status(file("good.json"), rpc("901", "eip155:902"))).toBe("unchecked");
    expect(await status(file("good.json"), { ...LOG_KEY, rpc: ["eip155:901=http://127.0.0.1:9/"] })).toBe("unchecked");
    expect(await status(file("changed.json"), rpc("901"))).toBe("refuted");
  });

  it("wants all nodes it is named, and what it is told to trust, to agree", async () => {
    const node = (kind: string) => `eip155:901=${url}/node/${kind}`;
    const rpc = [node("901"), node("fork")];
    expect(await status(file("good.json"), { ...LOG_KEY, rpc: [node("901"), node("901")] })).toBe("verified");
    const { verification } = await verifyAt(file("good.json"), { ...LOG_KEY, rpc });
    expect(verification.status).toBe("unchecked");
    const said = verification.links.find(({ link }) => link === "block")?.sentence;
    expect(said).toBe(
      `No hash of block 4711 of eip155:901 is agreed on: ${url}/node/901 says ${HASH}, ${url}/node/fork says ${OTHER_HASH}.`,
    );
    for (const silent of ["gap", "902", "garbage"]) {
      expect(await status(file("good.json"), { ...LOG_KEY, rpc: [node("901"), node(silent)] })).toBe("unchecked");
    }
    const trust = [`eip155:901:4711=${HASH}`];
    expect(await status(file("good.json"), { ...LOG_KEY, trust, rpc: [node("901")] })).toBe("verified");
    expect(await status(file("good.json"), { ...LOG_KEY, trust, rpc: [node("fork")] })).toBe("unchecked");
    expect(await status(file("good.json"), { ...LOG_KEY, trust, rpc: [node("gap")] })).toBe("verified");
  });

  it("says what is proven and what is still trusted", async () => {
    const [bundle, figure] = [provenBundle(), figureProof()];
    for (const [bytes, trust] of [
      [bundle, BLOCK_TRUST],
      [figure, BLOCK_TRUST],
    ] as const) {
      const text = report({ verification: await verifyBundle(bytes, trust), claim: readClaim(bytes) });
      const [conclusion, inputs, ...links] = text.trimEnd().split("\n").reverse();
      expect(links).toHaveLength(LINKS.length);
      expect(inputs).toBe("Inputs proven: equity, notional.crypto, rate.crypto. Taken as recorded: none.");
      expect(conclusion).toMatch(/^Verified: proven\. .* gives ACC\.CLOSEOUT_RATIO of eip155:901:0x5a\w+ as claimed\./);
      for (const trusted of ["block 13 of eip155:901", DEPLOYMENT_HASH, RULEBOOK.hash])
        expect(conclusion).toContain(trusted);
    }
    const textOf = async (bytes: Uint8Array, trust: Trust) =>
      report({ verification: await verifyBundle(bytes, trust), claim: readClaim(bytes) });
    const { blocks: _, ...blockless } = { ...BLOCK_TRUST, logKeys: [SIGNER.verifierKey] };
    expect(await textOf(bundle, blockless)).toMatch(/\nUnchecked: .* What it does reach is: attested\.\n$/);
    expect(await textOf(bundle, { ...BLOCK_TRUST, blocks: [] })).toMatch(
      /\nUnchecked: [^\n]* not everything could be\.\n$/,
    );
    expect(await textOf(sampleBundle(), TRUST)).toMatch(/\nVerified: attested\. .*\n$/);
    expect(await textOf(bundle.slice(1), BLOCK_TRUST)).toMatch(/\nRefuted by its shape: .*\n$/);
  });

  it("says of a day and of a position what only the record says", async () => {
    const verification = await verifyBundle(provenBundle(), BLOCK_TRUST);
    const claim = readClaim(provenBundle());
    if (claim === null) return expect.unreachable();
    const text = report({ verification, claim: { ...claim, metric: "POS.EQUITY_RATE", testPoint: "day:2026-04-02" } });
    expect(text).toMatch(/the last of its day; which stretch of the position it is/);
    expect(report({ verification, claim })).not.toMatch(/of its day|stretch/);
  });

  it("holds rulebook and deployment against those it is told of", async () => {
    const good = { ...LOG_KEY, rulebook: [HASH, RULEBOOK.hash.toUpperCase().replace("0X", "0x")] };
    expect(await status(file("good.json"), good)).toBe("verified");
    expect(await status(file("good.json"), { ...LOG_KEY, rulebook: [HASH] })).toBe("refuted");
    expect(await status(file("good.json"), { ...LOG_KEY, deployment: [HASH] })).toBe("refuted");
    const { deploymentHash } = sampleAssessment();
    expect(await status(file("good.json"), { ...LOG_KEY, deployment: [deploymentHash] })).toBe("verified");
  });

  it("asks for witnesses by their keys, all of them unless it is told how many", async () => {
    writeFileSync(file("cosigned.json"), sampleBundle({ cosigners: WITNESSES.slice(0, 1) }));
    const statusFor = (flags: VerifyFlags) => status(file("cosigned.json"), { ...LOG_KEY, ...flags });
    expect(await statusFor({ witness: KEYS.slice(0, 1) })).toBe("verified");
    expect(await statusFor({ witness: KEYS })).toBe("unchecked");
    expect(await statusFor({ witness: KEYS, witnesses: "1" })).toBe("verified");
    expect(await status(file("good.json"), { ...LOG_KEY, witness: KEYS, witnesses: "1" })).toBe("unchecked");
  });

  it("asks for an anchor in a block it is told of, or asks a node for", async () => {
    const bundle = sampleBundle({ anchor: anchoringOf });
    writeFileSync(file("anchored.json"), bundle);
    const [own, other] = blocksIn(bundle);
    const hash = parseBundle(bundle).bundle.claims.anchored?.blockHash;
    const trust = [`${own?.chain}:${own?.number}=${HASH}`, `${other?.chain}:${other?.number}=${hash}`];
    const statusFor = (flags: VerifyFlags) => status(file("anchored.json"), { ...LOG_KEY, ...flags });
    const anchor = [ANCHOR.replaceAll("ac", "AC")];
    expect(await statusFor({ anchor, trust })).toBe("verified");
    expect(await statusFor({ anchor, trust: trust.slice(0, 1) })).toBe("unchecked");
    expect(await statusFor({ anchor: [ANCHOR.replaceAll("ac", "ad")], trust })).toBe("refuted");
    // This node gives every block one hash, which the anchor's is not.
    expect(await statusFor({ rpc: [`eip155:901=${url}/node/all`] })).toBe("refuted");
  });

  it("refuses options, files and URLs it cannot use", async () => {
    await expect(status(file("absent.json"))).rejects.toThrow(InputError);
    await expect(status(folder)).rejects.toThrow(InputError);
    await expect(status(`${url}/absent`)).rejects.toThrow(ProviderError);
    await expect(status("http://127.0.0.1:9/bundle")).rejects.toThrow(ProviderError);
    for (const flags of [
      { trust: ["eip155:901:4711"] },
      { trust: ["901:4711=0x00"] },
      { rpc: [`901=${url}`] },
      { rpc: ["eip155:901=ws://127.0.0.1"] },
      { logKey: ["x"] },
      { rulebook: ["0x00"] },
      { deployment: [HASH.slice(2)] },
      { witness: ["x"] },
      { witness: [SIGNER.verifierKey] },
      { witnesses: "1" },
      { witness: KEYS, witnesses: "3" },
      { witness: KEYS, witnesses: "two" },
      { anchor: [CONTRACT] },
    ]) {
      await expect(status(file("good.json"), flags)).rejects.toThrow(InputError);
    }
  });

  it("shows nothing as JSON either that could move a terminal", () => {
    const names = ["\u009b31m", "\u202eeulav", "\u007f", "equity"];
    const verification = {
      status: "unchecked",
      assurance: null,
      inputs: { proven: [], taken: names },
      witnesses: [],
      anchored: false,
      links: [],
    } as const;
    const text = asciiJson(verification);
    expect(text).toMatch(/^[ -~]+$/);
    expect(JSON.parse(text)).toEqual(verification);
  });

  it("ends with 0, 1 or 2 and a sentence a link", () => {
    const run = (...args: string[]) => {
      const result = spawnSync(process.execPath, ["bin/plumbline.mjs", "verify", ...args], {
        cwd: ROOT,
        encoding: "utf8",
      });
      return { code: result.status, out: result.stdout, err: result.stderr };
    };
    const good = run(file("good.json"), "--log-key", SIGNER.verifierKey);
    expect(good.code, good.err).toBe(0);
    expect(good.out).toMatch(/^ok {5}signature .*plumbline\.example\/test\.$/m);
    expect(good.out).toMatch(/^- {6}block .*attested only\.$/m);
    const inputs = { ...sampleAssessment().inputs, "\u009b31m\u202e": "1" };
    writeFileSync(file("hostile.json"), sampleBundle({ assessment: sampleAssessment({ inputs }) }));
    const hostile = run(file("hostile.json"), "--json", "--log-key", SIGNER.verifierKey);
    expect(hostile.code).toBe(1);
    expect(hostile.out).toMatch(/^[ -~]+\n$/);
    expect(JSON.parse(hostile.out)).toMatchObject({ status: "refuted", inputs: { taken: Object.keys(inputs).sort() } });
    expect(run(file("good.json")).code).toBe(2);
    const absent = run(file("absent.json"));
    expect(absent).toMatchObject({ code: 2, out: "" });
    expect(absent.err.trim()).toMatch(/^The bundle .* cannot be read: ENOENT\.$/);
  }, 180_000);
});
