import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runPlumbline } from "../support/plumbline.ts";

const DEPLOYMENT = "deployments/devnet.json";

let folder: string;
let node: Server;
let nodeUrl: string;

/** A node of chain 901 that has pruned its old state. */
function answer(method: string): object {
  if (method === "eth_chainId") return { result: "0x385" };
  if (method === "eth_getBlockByNumber") return { result: { number: "0x1" } };
  return { error: { code: -32000, message: "missing trie node" } };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-refusals-"));
  mkdirSync(join(folder, "rulebooks"));
  writeFileSync(join(folder, "rulebooks/bad.json"), '{"rules": 1}');
  writeFileSync(join(folder, "malformed.json"), '{"version": 1, "name": "x", "chains": [{}]}');
  writeFileSync(join(folder, "facts.json"), '{"version": "plumbline-facts/1"}');
  node = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () =>
      response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, ...answer(JSON.parse(body).method) })),
    );
  });
  await new Promise<void>((resolve) => node.listen(0, "127.0.0.1", resolve));
  nodeUrl = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
});

afterAll(() => {
  node.close();
  rmSync(folder, { recursive: true, force: true });
});

type Case = { name: string; args?: () => string[]; settings?: () => Record<string, string>; expected: RegExp };

const cases: Case[] = [
  { name: "a port that is none", settings: () => ({ PORT: "eighty" }), expected: /PORT is "eighty"/ },
  { name: "a port in use", settings: () => ({ PORT: new URL(nodeUrl).port }), expected: /Port \d+ is in use/ },
  {
    name: "several nodes for one chain",
    settings: () => ({ PONDER_RPC_URL_901: `${nodeUrl},${nodeUrl}`, PONDER_RPC_URL_902: nodeUrl }),
    expected: /PONDER_RPC_URL_901 names several nodes/,
  },
  {
    name: "a node for one of two chains",
    settings: () => ({ PONDER_RPC_URL_901: nodeUrl }),
    expected: /PONDER_RPC_URL_901 is set alone/,
  },
  {
    name: "no node for a chain",
    args: () => ["--deployment", DEPLOYMENT],
    expected: /PONDER_RPC_URL_901 is not set/,
  },
  {
    name: "an unreachable node",
    settings: () => ({ PONDER_RPC_URL_901: "http://127.0.0.1:9", PONDER_RPC_URL_902: "http://127.0.0.1:9" }),
    expected: /eip155:901 at http:\/\/127\.0\.0\.1:9 cannot be reached/,
  },
  {
    name: "missing history at the start block",
    settings: () => ({ PONDER_RPC_URL_901: nodeUrl, PONDER_RPC_URL_902: nodeUrl }),
    expected: /eip155:901 .* is missing history at the start block/,
  },
  {
    name: "no deployment file",
    args: () => ["--deployment", "nowhere.json"],
    expected: /nowhere\.json cannot be read/,
  },
  {
    name: "a malformed deployment file",
    args: () => ["--deployment", join(folder, "malformed.json")],
    expected: /malformed\.json is wrong at chains\.0/,
  },
  {
    name: "a malformed rulebook",
    args: () => ["--rulebooks", join(folder, "rulebooks")],
    expected: /^Rulebook bad: version: /,
  },
  {
    name: "a malformed facts file",
    args: () => ["--facts", join(folder, "facts.json"), "--facts-key", "00".repeat(32)],
    expected: /Facts: the file/,
  },
  { name: "facts without a key", args: () => ["--facts", join(folder, "facts.json")], expected: /--facts-key/ },
  {
    name: "a webhook without a secret",
    args: () => ["--webhook", "https://receiver.example/hook"],
    expected: /--webhook-secret/,
  },
  { name: "a database URL that is none", settings: () => ({ DATABASE_URL: "sqlite:x" }), expected: /DATABASE_URL/ },
  {
    name: "a database that does not answer",
    settings: () => ({ DATABASE_URL: "postgres://user:pass@127.0.0.1:9/x" }),
    expected: /No database answers at 127\.0\.0\.1:9/,
  },
  {
    name: "a schema name that is none",
    settings: () => ({ DATABASE_SCHEMA: "My Schema" }),
    expected: /DATABASE_SCHEMA/,
  },
  { name: "an unknown option", args: () => ["--bogus"], expected: /unknown option '--bogus'/ },
];

describe("plumbline start refuses", () => {
  it.each(cases)("$name: one sentence, exit code 2, nothing written", async ({ args, settings, expected }) => {
    const dataDir = join(folder, "data");
    const command = runPlumbline(["start", ...(args?.() ?? [])], { PLUMBLINE_DATA: dataDir, ...settings?.() });
    expect(await command.exited).toBe(2);
    expect(command.stderr()).toMatch(expected);
    expect(command.stderr().trimEnd().split("\n")).toHaveLength(1);
    expect(command.stdout()).toBe("");
    expect(existsSync(dataDir)).toBe(false);
  });
});
