import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunningServer } from "../../server/server.ts";
import type { Assessment } from "../../src/core/assessment.ts";
import type { Hex } from "../../src/core/ids.ts";
import { verify } from "../../verifier/index.ts";
import {
  type Answering,
  assessmentsOf,
  createDevnetWorld,
  type DevnetWorld,
  healthOf,
  type ProvenChain,
  say,
  untilCaptured,
  untilSealed,
} from "./support/devnet-world.ts";
import { ask } from "./support/world.ts";

const RULE = "SYNTHETIX-PERPS-V2-MAINTENANCE";

/** How a node lies or fails about one block. `honest` asks the real node. */
type Case = {
  fault: string | null;
  says: RegExp | null;
  answer: (method: string, params: readonly unknown[], honest: Honest) => unknown;
};
type Honest = (method: string, params: readonly unknown[]) => Promise<unknown>;
type Proof = { accountProof: Hex[]; storageProof: { key: Hex; value: Hex; proof: Hex[] }[] };

const withProof =
  (change: (proof: Proof) => Proof): Case["answer"] =>
  async (method, params, honest) =>
    method === "eth_getProof" ? change((await honest(method, params)) as Proof) : undefined;

/** A slot's value is in the last node of its proof; another there has another hash. */
const otherValue = (proof: readonly Hex[]): Hex[] =>
  proof.map((node, i) =>
    i === proof.length - 1 ? (`${node.slice(0, -2)}${node.endsWith("01") ? "02" : "01"}` as Hex) : node,
  );

/** In the order of their blocks, oldest first. */
const CASES: Record<string, Case> = {
  "before one that is pruned": { fault: "pruned", says: /pruned the state of block/, answer: () => undefined },
  pruned: {
    fault: "pruned",
    says: /pruned the state of block/,
    answer: (method) => {
      if (["eth_getProof", "eth_getCode", "eth_call"].includes(method))
        throw new Error("missing trie node 0x12 (path )");
    },
  },
  "wrong slot values": {
    fault: "untrue",
    says: /gives a proof that does not hold/,
    answer: withProof(({ accountProof, storageProof }) => ({
      accountProof,
      storageProof: storageProof.map((slot) => ({ ...slot, value: "0x1", proof: otherValue(slot.proof) })),
    })),
  },
  "missing code": {
    fault: "untrue",
    says: /gives code 0x[0-9a-f]+ for 0x/,
    answer: (method) => (method === "eth_getCode" ? "0x" : undefined),
  },
  "another block's proof": {
    fault: "untrue",
    says: /gives a proof that does not hold/,
    answer: (method, [address, slots, number], honest) => {
      if (method !== "eth_getProof") return undefined;
      return honest(method, [address, slots, `0x${(Number(number) - 1).toString(16)}`]);
    },
  },
  "empty proofs": {
    fault: "untrue",
    says: /gives a proof that does not hold/,
    answer: withProof(({ storageProof }) => ({
      accountProof: [],
      storageProof: storageProof.map((slot) => ({ ...slot, proof: [] })),
    })),
  },
  "another result": {
    fault: "untrue",
    says: /over proven state, but the node of chain 902 says/,
    answer: (method) => (method === "eth_call" ? `0x${"11".repeat(32)}` : undefined),
  },
  "no access lists": {
    fault: null,
    says: null,
    answer: (method) => {
      if (method === "eth_createAccessList") throw new Error("the method eth_createAccessList does not exist");
    },
  },
};

let world: DevnetWorld;
let chain: ProvenChain;
let server: RunningServer;
/** The assessment each case is about, in a block of its own. */
const about = new Map<string, Assessment>();

beforeAll(async () => {
  world = await createDevnetWorld({ historyBlocks: 64, chains: [902] });
  [chain] = world.chains as [ProvenChain];
  const broken = assessmentsOf(chain).filter((item) => item.ruleId === RULE && item.condition === "not_met");
  const blocks = [...new Map(broken.map((item) => [item.blockNumber, item])).values()];
  for (const [i, name] of Object.keys(CASES).entries()) about.set(name, blocks[i] as Assessment);
  expect(blocks.length).toBeGreaterThanOrEqual(about.size);
  say(chain, [...about.values()]);
  chain.node.answering = answering();
  chain.node.finalized = Number(chain.story.at(-1)?.number);
  server = await world.start({}, { captures: { pace: { pauseMs: 50, backoffMs: 10 } } });
  await untilCaptured(server, { waiting: 0 });
  await untilSealed(server, [chain]);
});
afterAll(async () => {
  await world?.end();
});

/** Lies about each block what its case says. State is asked for by number. */
function answering(): Answering {
  const { rpc } = chain;
  const byBlock = new Map([...about].map(([name, { blockNumber }]) => [Number(blockNumber), CASES[name] as Case]));
  return (method, params) => {
    if (method === "eth_getBlockByNumber") return undefined;
    const number = Number(params.at(-1));
    return byBlock.get(number)?.answer(method, params, rpc);
  };
}

async function bundleOf(id: string, level = ""): Promise<{ status: number; bytes: Uint8Array; error?: string }> {
  const response = await fetch(`${server.url}/v1/proofs/${id}${level}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, bytes, ...(JSON.parse(new TextDecoder().decode(bytes)) as { error?: string }) };
}

describe("a node", () => {
  const faulty = Object.entries(CASES).filter(([, { fault }]) => fault !== null);

  test.each(faulty)(
    "that gives %s never gets a proven bundle, and its fault is named",
    async (name, { fault, says }) => {
      const { id } = about.get(name) as Assessment;
      const { data } = await ask(
        server,
        `{ verdicts(where: { assessmentId: { eq: "${id}" } }) {
      lane evidence { level state fault reason } proof { assurance } } }`,
      );
      const [{ lane, evidence, proof }] = data.verdicts;
      expect({ lane, evidence, proof }).toEqual({
        lane: "sealed",
        evidence: { level: "proven", state: "failed", fault, reason: expect.stringMatching(says as RegExp) },
        proof: { assurance: "attested" },
      });
      const attested = await bundleOf(id);
      const logKeys = [(await (await fetch(`${server.url}/log/key`)).text()).trim()];
      expect(await verify(attested.bytes, { logKeys })).toMatchObject({ status: "verified", assurance: "attested" });
      const refused = await bundleOf(id, "?level=proven");
      expect(refused.status).toBe(404);
      expect(refused.error).toMatch(/Evidence could not be had: /);
      expect(refused.error).toMatch(says as RegExp);
    },
  );

  test("without eth_createAccessList gets one that is proven", async () => {
    const { id, blockNumber: number, blockHash: hash } = about.get("no access lists") as Assessment;
    const { bytes } = await bundleOf(id);
    const blocks = [{ chain: chain.chain, number, hash }];
    expect(await verify(bytes, { blocks })).toMatchObject({ status: "verified", assurance: "proven" });
  });

  test("is shown with its faults in health, and so is what failed with them", async () => {
    const { capture, sealed } = (await healthOf(server)).assurance;
    expect(capture).toMatchObject({ waiting: 0, kept: 1, failed: faulty.length });
    expect(capture.reasons.map(({ fault, count }) => [fault, count])).toEqual([
      ["untrue", 5],
      ["pruned", 2],
    ]);
    for (const { latest } of capture.reasons) expect(latest).toMatch(/^The /);
    expect(sealed.proven.count).toBe(1);
    const metrics = await (await fetch(`${server.url}/v1/metrics`)).text();
    // Five attempts at each of five; what is pruned is asked for twice, and what lies before it never.
    expect(metrics).toContain('supervision_capture_failures_total{chain="eip155:902",reason="untrue"} 25');
    expect(metrics).toContain('supervision_capture_failures_total{chain="eip155:902",reason="pruned"} 2');
  });
});
