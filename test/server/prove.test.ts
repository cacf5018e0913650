import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureDemoKey } from "../../server/auth/keys.ts";
import type { RunningServer } from "../../server/server.ts";
import type { Assessment } from "../../src/core/assessment.ts";
import { type Verification, verify } from "../../verifier/index.ts";
import {
  createDevnetWorld,
  type DevnetWorld,
  healthOf,
  lastOf,
  type ProvenChain,
  say,
} from "./support/devnet-world.ts";
import { ask, until } from "./support/world.ts";

let world: DevnetWorld;
let chain: ProvenChain;
let server: RunningServer;
/** An account whose close-out ratio was assessed in the middle of the history. */
let about: Assessment;

beforeAll(async () => {
  world = await createDevnetWorld({ historyBlocks: 24, chains: [901] });
  [chain] = world.chains as [ProvenChain];
  about = lastOf(chain, ({ ruleId, measured }) => ruleId === "EU-CFD-CLOSEOUT-50" && measured !== null);
  say(chain, []);
  server = await world.start();
  const head = chain.story.at(-1)?.number;
  await until(async () => (await healthOf(server)).chains[0]?.followed === head, "the head");
  await until(async () => (await ask(server, "{ __typename }")).data !== undefined, "GraphQL");
});
afterAll(async () => {
  await world?.end();
});

const FIELDS = "chain protocol subject metric ruleId blockNumber blockHash measured decimals unit reason bundle";

// biome-ignore lint/suspicious/noExplicitAny: an answer's shape is the question's
async function prove(args: Record<string, string>, by = {}): Promise<{ figure: any; refusal: string | undefined }> {
  const given = Object.entries(args).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  const { data, errors } = await ask(server, `{ prove(${given.join(", ")}) { ${FIELDS} } }`, by);
  return { figure: data?.prove ?? null, refusal: errors?.[0]?.message };
}

function checked(bundle: string, block: { number: string; hash: string }): Promise<Verification> {
  const blocks = [{ chain: "eip155:901", number: block.number, hash: block.hash as `0x${string}` }];
  return verify(new TextEncoder().encode(bundle), { blocks });
}

describe("a figure proven on request", () => {
  test("is that of the named block, with the rates of the named rule", async () => {
    const { subject, metric, blockNumber, blockHash, ruleId, measured } = about;
    const { figure } = await prove({ subject, metric, block: blockNumber, rule: ruleId });
    expect(figure).toMatchObject({ subject, metric, blockNumber, blockHash, ruleId, measured, reason: null });
    expect(await checked(figure.bundle, { number: blockNumber, hash: blockHash })).toMatchObject({
      status: "verified",
      assurance: "proven",
    });
    expect((await checked(figure.bundle, { number: blockNumber, hash: `0x${"00".repeat(32)}` })).status).toBe(
      "refuted",
    );
  });

  test("is that of the last block followed unless one is named, and needs no rule where the metric takes no rates", async () => {
    const { figure } = await prove({ subject: about.subject, metric: "ACC.MARGIN_RATIO", protocol: "perp-v2" });
    const { number, hash } = chain.story.at(-1) as { number: string; hash: string };
    expect(figure).toMatchObject({
      protocol: "eip155:901/perp-v2",
      blockNumber: number,
      blockHash: hash,
      ruleId: null,
    });
    expect((await checked(figure.bundle, { number, hash })).status).toBe("verified");
  });
});

describe("a proof that cannot be made is one sentence", () => {
  const account = () => about.subject;
  test.each<[string, () => Record<string, string>, RegExp]>([
    [
      "a metric no view states",
      () => ({ subject: account(), metric: "ACC.STRESS_LOSS" }),
      /No view .* ACC.STRESS_LOSS/,
    ],
    [
      "a subject of no chain here",
      () => ({ subject: "eip155:1:0x12", metric: "ACC.MARGIN_RATIO" }),
      /no account or pos/,
    ],
    ["a subject that is none", () => ({ subject: "me", metric: "ACC.MARGIN_RATIO" }), /no account or position/],
    [
      "an account that holds nothing",
      () => ({ subject: `eip155:901:0x${"12".repeat(20)}`, metric: "ACC.MARGIN_RATIO" }),
      /unknown \(NO_POSITION\): nothing can be proven/,
    ],
    ["an account for a position", () => ({ subject: account(), metric: "POS.MARGIN_RATIO" }), /expected a position/],
    [
      "a protocol that is not there",
      () => ({ subject: account(), metric: "ACC.LEVERAGE", protocol: "x" }),
      /no protocol "x"/,
    ],
    [
      "a rule that is not there",
      () => ({ subject: account(), metric: "ACC.LEVERAGE", rule: "NO-RULE" }),
      /no rule "NO-RULE"/,
    ],
    [
      "a rule about another metric",
      () => ({ subject: account(), metric: "ACC.LEVERAGE", rule: "EU-CFD-CLOSEOUT-50" }),
      /is about ACC.CLOSEOUT_RATIO, not ACC.LEVERAGE/,
    ],
    ["a block to come", () => ({ subject: account(), metric: "ACC.LEVERAGE", block: "100000" }), /no block 100000 yet/],
    ["a block that is none", () => ({ subject: account(), metric: "ACC.LEVERAGE", block: "latest" }), /decimal digits/],
  ])("%s", async (_, args, says) => {
    const { figure, refusal } = await prove(args());
    expect(figure).toBeNull();
    expect(refusal).toMatch(says);
    expect(refusal).not.toMatch(/https?:|could not be answered/);
  });

  test("a block whose state the node has forgotten, one it has replaced, and a node that lies", async () => {
    const { number, hash } = chain.story.at(-1) as { number: string; hash: string };
    const of = { subject: about.subject, metric: "ACC.LEVERAGE" };
    const refusals: (string | undefined)[] = [];
    for (const answer of [
      (method: string) => {
        if (method === "eth_getProof") throw new Error("missing trie node");
      },
      async (method: string, params: readonly unknown[]) => {
        if (method !== "eth_getBlockByNumber") return undefined;
        const block = (await chain.rpc(method, params)) as Record<string, unknown>;
        return { ...block, hash: `0x${"ee".repeat(32)}` };
      },
      (method: string) => (method === "eth_getCode" ? "0x" : undefined),
    ]) {
      chain.node.answering = answer;
      refusals.push((await prove(of)).refusal);
    }
    chain.node.answering = () => undefined;
    const [pruned, replaced, untrue] = refusals;
    expect(pruned).toBe(`Block ${number} is out of reach: the node of eip155:901 has forgotten its state.`);
    expect(replaced).toBe(
      `Block ${number} of eip155:901 has been replaced: it is 0x${"ee".repeat(32)} now, where ${hash} was read.`,
    );
    expect(untrue).toMatch(/The node gives code/);
  });

  test("more than one in a question", async () => {
    const one = `prove(subject: "x", metric: "y") { bundle }`;
    const { errors } = await ask(server, `{ a: ${one} b: ${one} }`);
    expect(errors[0].message).toMatch(/has proofs 2; at most 1 is answered/);
  });
});

test("what the public asks for takes nothing from a supervisor's allowance", async () => {
  const toCome = { subject: about.subject, metric: "ACC.LEVERAGE", block: "100000" };
  const refusals: (string | undefined)[] = [];
  for (let i = 0; i < 31; i++) refusals.push((await prove(toCome)).refusal);
  expect(refusals.at(-1)).toMatch(/No more than 30 proofs are made in a minute/);
  const key = ensureDemoKey(world.dataDir);
  expect((await prove(toCome, { key })).refusal).toMatch(/no block 100000 yet/);
});
