import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Kit } from "../../devnet/kit.ts";
import { setPrice } from "../../devnet/synthetix.ts";
import { actionsOf } from "../../devnet/synthetix-actions.ts";
import { captureWitness } from "../../server/witnesses/capture.ts";
import { createWitnessNode, type SaidProof, type WitnessNode } from "../../server/witnesses/node.ts";
import { ProviderError } from "../../src/core/errors.ts";
import { WAD } from "../../src/core/fixed.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { ChainDeployment } from "../../src/core/margin-model.ts";
import { runVerified } from "../../src/core/proof/verified-call.ts";
import { parseWitness, witnessBytes } from "../../src/core/proof/witness.ts";
import { answerEpoch } from "../parity/custody.ts";
import { createReplay, type Replay, type ReplayClient } from "../parity/replay.ts";
import { answeredBy, askOf, custodyQuestions, type Question, questionsOf } from "./derivation.ts";
import { type PerpSession, startPerpSession } from "./perp-v2-session.ts";
import { type Session, startSession } from "./synthetix-session.ts";

const STEPS = Number(process.env.PLUMBLINE_STEPS ?? 24);
const MOST_BYTES = 330_000;
const MOST_MS = 1_000;

type Stage = { kit: Kit; chain: ChainDeployment; protocol: string; replay: Replay; everyone: readonly Hex[] };

/** Folds up to the head and gives every question there is, with the fold's answers. */
async function questionsAtHead({ kit, chain, protocol, replay, everyone }: Stage): Promise<Question[]> {
  const client = kit.client as unknown as ReplayClient;
  const block = await kit.blockNumber();
  await replay.advance(block);
  await answerEpoch({ client, chain, model: replay.model, block });
  const { timestamp: now } = await client.getBlock({ blockNumber: block });
  const scene = { chain, protocol, model: replay.model, now };
  const accounts = [...new Set([...everyone.map((who) => who.toLowerCase() as Hex), ...replay.model.addresses()])];
  return [...accounts.flatMap((address) => questionsOf(address, scene)), ...custodyQuestions(scene)];
}

/** Compares what the views say with the fold, for everyone. @returns what was asked. */
async function compare(stage: Stage): Promise<Question[]> {
  const questions = await questionsAtHead(stage);
  for (const question of questions) {
    const derived = await answeredBy(stage.kit, askOf(question, stage.chain));
    const { metric, subject } = question.about;
    expect(derived, `${metric} of ${subject} at ${await stage.kit.blockNumber()}`).toEqual(question.expected);
  }
  return questions;
}

/** Captures, checks with the block's hash alone, and prints what it took. */
async function prove(name: string, question: Question, { kit, chain }: Stage): Promise<void> {
  const { number, hash } = await kit.client.getBlock();
  const ask = askOf(question, chain);
  const before = performance.now();
  const node = createWitnessNode(kit.chainId, kit.url);
  const { witness } = await captureWitness(node, { block: { number: Number(number), hash }, ask });
  const captured = performance.now() - before;
  const bytes = witnessBytes(witness);
  const trust = { chainId: kit.chainId, blockHash: hash };
  const verify = async () => {
    const began = process.cpuUsage();
    const run = await runVerified({ witness: parseWitness(bytes), trust, ask });
    const { user, system } = process.cpuUsage(began);
    return { run, took: (user + system) / 1_000 };
  };
  const { run, took: first } = await verify();
  // Time of the processor, because others use the machine too; and the first run is slower.
  const took = Math.min(first, (await verify()).took, (await verify()).took);
  const codes = JSON.stringify(witness.codes).length;
  const slots = witness.accounts.reduce((sum, account) => sum + account.slots.length, 0);
  process.stdout.write(
    `${name}: ${witness.accounts.length} accounts, ${slots} slots, ${witness.nodes.length} nodes, ` +
      `witness ${bytes.length} bytes of which code ${codes}, ${run.gasUsed} gas, captured in ${captured.toFixed(0)} ms, ` +
      `verified in ${took.toFixed(0)} ms\n`,
  );
  expect(run.result).toEqual(question.expected);
  expect(bytes.length).toBeLessThan(MOST_BYTES);
  expect(took).toBeLessThan(MOST_MS);
}

/** Each proof under the key of the next. */
function rotated(slots: SaidProof["slots"]): SaidProof["slots"] {
  return slots.map(({ key }, i) => ({ key, proof: slots[(i + 1) % slots.length]?.proof ?? [] }));
}

const asking = (questions: readonly Question[], metric: string) =>
  questions.filter(({ about, expected }) => about.metric === metric && expected.inputs !== null);

const shortOf = ({ expected: { inputs } }: Question) => (inputs?.equity ?? 0n) < (inputs?.maintenance ?? 0n);

describe("Perp v2: inputs derived from its views", () => {
  let session: PerpSession;
  let stage: Stage;

  beforeAll(async () => {
    session = await startPerpSession(4);
    const { kit, chain, everyone } = session;
    const client = kit.client as unknown as ReplayClient;
    const replay = createReplay({ client, chain, protocol: "perp-v2" });
    stage = { kit, chain, protocol: "perp-v2", replay, everyone };
  });

  afterAll(async () => {
    await session?.anvil.stop();
  });

  it("are the fold's to the wei: takers, makers, the ruined, and a closed market", async () => {
    let [below, positions, compared] = [0, 0, 0];
    const look = async () => {
      const questions = await compare(stage);
      below += asking(questions, "ACC.MARGIN_RATIO").filter(shortOf).length;
      positions += asking(questions, "POS.MARGIN_RATIO").length;
      compared += questions.filter(({ expected }) => expected.inputs !== null).length;
    };
    for (let i = 0; i < STEPS; i++) {
      await session.step();
      if (i % 6 === 5) await look();
    }
    let proven = false;
    await session.distress(async () => {
      const before = below;
      await look();
      if (proven || below === before) return;
      proven = true;
      const questions = await questionsAtHead(stage);
      const ruined = asking(questions, "ACC.MARGIN_RATIO").find(shortOf) as Question;
      await prove("below maintenance", ruined, stage);
      const closeOut = asking(questions, "ACC.CLOSEOUT_RATIO").find((q) => q.about.subject === ruined.about.subject);
      await prove("its close-out ratio", closeOut as Question, stage);
    });
    expect(proven).toBe(true);
    await session.closeMarket(look);
    process.stdout.write(`Perp v2: ${compared} figures compared, ${positions} times of a position\n`);
    expect(compared).toBeGreaterThan(1_000);
    expect(positions).toBeGreaterThan(100);
    expect(session.done.addLiquidity).toBeGreaterThan(0);
  });

  it("are proven for whoever has most to prove, and for custody", async () => {
    const questions = await questionsAtHead(stage);
    const inMarkets = ({ expected }: Question) => Object.keys(expected.inputs ?? {}).length;
    const widest = asking(questions, "ACC.GROSS_NOTIONAL").sort((a, b) => inMarkets(b) - inMarkets(a))[0] as Question;
    await prove(`in ${inMarkets(widest)} markets`, widest, stage);
    for (const custody of asking(questions, "AST.CUSTODY_COVERAGE")) {
      expect(inMarkets(custody)).toBeGreaterThan(2);
      await prove(`custody of ${inMarkets(custody) - 1} creditors`, custody, stage);
    }
  });

  it.each<[string, (said: SaidProof, other: SaidProof) => SaidProof]>([
    ["no proofs of slots", (said) => ({ ...said, slots: [] })],
    ["empty proofs of slots", (said) => ({ ...said, slots: said.slots.map(({ key }) => ({ key, proof: [] })) })],
    ["proofs of earlier slots", (said, earlier) => ({ ...said, slots: earlier.slots })],
    ["an earlier account", (_, earlier) => earlier],
    ["one slot for another", (said) => ({ ...said, slots: rotated(said.slots) })],
  ])("are not proven by a node that gives %s", async (_, lie) => {
    const { kit, chain } = stage;
    const { number, hash } = await kit.client.getBlock();
    const custody = asking(await questionsAtHead(stage), "AST.CUSTODY_COVERAGE")[0] as Question;
    const honest = createWitnessNode(kit.chainId, kit.url);
    const balances = chain.protocols[0]?.contracts.AccountBalance;
    const node: WitnessNode = {
      ...honest,
      async proof(address, at) {
        const said = await honest.proof(address, at);
        // Only the slots no view states: what the account's own views read is the affair of other tests.
        return address === balances ? lie(said, await honest.proof(address, { ...at, number: 20 })) : said;
      },
    };
    const capture = captureWitness(node, { block: { number: Number(number), hash }, ask: askOf(custody, chain) });
    await expect(capture).rejects.toThrow(ProviderError);
  });
});

describe("Synthetix v2 perps: inputs derived from their views", () => {
  let session: Session;
  let stage: Stage;

  beforeAll(async () => {
    session = await startSession(4);
    const { kit, chain, traders } = session;
    const client = kit.client as unknown as ReplayClient;
    const replay = createReplay({ client, chain, protocol: "synthetix-perps-v2" });
    stage = { kit, chain, protocol: "synthetix-perps-v2", replay, everyone: traders };
  });

  afterAll(async () => {
    await session?.anvil.stop();
  });

  it("are the fold's to the wei", async () => {
    let compared = 0;
    for (let i = 0; i < STEPS; i++) {
      await session.step(async () => {});
      if (i % 4 === 3) compared += asking(await compare(stage), "POS.MARGIN_SHORTFALL").length;
    }
    expect(compared).toBeGreaterThan(10);
  });

  it("are proven for a position below its liquidation margin, its account, and for custody", async () => {
    const act = actionsOf(session.synthetix);
    const trader = session.traders[0] as Hex;
    await setPrice(session.synthetix, "ETH/USD", 2_000_00000000n);
    await setPrice(session.synthetix, "BTC/USD", 60_000_00000000n);
    await setPrice(session.synthetix, "SOL/USD", 150_00000000n);
    await act.closePosition("ETH", trader);
    await act.withdrawAllMargin("ETH", trader);
    await act.transferMargin("ETH", trader, 1_000n * WAD);
    expect(await act.modifyPosition("ETH", trader, 10n * WAD)).toBe(true);
    await setPrice(session.synthetix, "ETH/USD", 1_200_00000000n);
    const questions = await compare(stage);
    const ruined = asking(questions, "POS.MARGIN_RATIO").find(
      (question) => question.about.account?.endsWith(trader.toLowerCase()) && shortOf(question),
    ) as Question;
    await prove("below its liquidation margin", ruined, stage);
    const account = asking(questions, "ACC.CLOSEOUT_RATIO").find((q) => q.about.account === ruined.about.account);
    await prove("its close-out ratio", account as Question, stage);
    const [custody] = asking(questions, "AST.CUSTODY_COVERAGE");
    await prove("custody", custody as Question, stage);
  });
});
