import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import type { Hex } from "../../../src/core/ids.ts";
import { asked } from "../../../src/core/proof/ask.ts";
import { signerOf } from "../../../src/core/proof/note.ts";
import type { LinkName, Trust } from "../../../src/core/proof/verify.ts";
import { digestOf } from "../../../src/core/rules/digest.ts";
import { disclose } from "../../../src/core/rules/disclosure.ts";
import { changed, check, failedOf, type Loose, named, said } from "./checked.ts";
import {
  adapterWith,
  BLOCK,
  BLOCK_TRUST,
  CALLS,
  DEPLOYMENT,
  DEPLOYMENT_HASH,
  figureProof,
  provenAssessment,
  provenBundle,
  sampleFigure,
  WITNESS,
} from "./proven-sample.ts";
import { RULEBOOK, SIGNER, sampleBundle } from "./sample.ts";

const BUNDLE = provenBundle();
const FIGURE = figureProof();
const WITH_KEY: Trust = { ...BLOCK_TRUST, logKeys: [SIGNER.verifierKey] };
const { blocks: _, ...BLOCKLESS } = BLOCK_TRUST;
const NAMES = ["equity", "notional.crypto", "rate.crypto"];

describe("a proven bundle", () => {
  it("is verified with the hash of its block and nothing else", async () => {
    const result = await check(BUNDLE);
    expect(result).toMatchObject({ status: "verified", assurance: "proven", inputs: { proven: NAMES, taken: [] } });
    expect(named(result, null)).toEqual(["signature", "witnesses", "anchor", "receipts"]);
    expect(said(result, "signature")).toMatch(/this proof does not rest on it/);
    for (const { sentence } of result.links) expect(sentence).toMatch(/^[A-Z0-9].*\.$/s);
  });

  it("is verified with the log's key too, and refuted with another's", async () => {
    expect(await check(BUNDLE, WITH_KEY)).toMatchObject({ status: "verified", assurance: "proven" });
    const other = provenBundle({ signer: signerOf("plumbline.example/other", new Uint8Array(32).fill(1)) });
    expect(await failedOf(other, WITH_KEY)).toEqual(["signature"]);
  });

  it("is unchecked without a hash of its block, and then says what else is reached", async () => {
    const keyless = await check(BUNDLE, BLOCKLESS);
    expect(keyless).toMatchObject({ status: "unchecked", assurance: null, inputs: { proven: [], taken: NAMES } });
    expect(named(keyless, null)).toEqual(["signature", "witnesses", "anchor", "block", "receipts"]);
    const signed = await check(BUNDLE, { ...BLOCKLESS, logKeys: [SIGNER.verifierKey] });
    expect(signed).toMatchObject({ status: "unchecked", assurance: "attested", inputs: { proven: [] } });
    expect((await check(BUNDLE, { ...BLOCK_TRUST, blocks: [{ ...BLOCK, number: "14" }] })).status).toBe("unchecked");
  });

  it("is unchecked when it was made by another kernel", async () => {
    const assessment = provenAssessment({ kernel: "plumbline-kernel/9" });
    expect(await check(provenBundle({ assessment }))).toMatchObject({ status: "unchecked", assurance: null });
  });

  it("is refuted under a rulebook or a deployment that is none of those the verifier knows", async () => {
    const other = `0x${"00".repeat(32)}` as const;
    const known = { rulebooks: [other, RULEBOOK.hash], deployments: [DEPLOYMENT_HASH, other] };
    for (const bytes of [BUNDLE, FIGURE]) {
      expect((await check(bytes, { ...BLOCK_TRUST, ...known })).status).toBe("verified");
      expect(await failedOf(bytes, { ...BLOCK_TRUST, ...known, rulebooks: [other] })).toEqual(["rulebook"]);
      expect(await failedOf(bytes, { ...BLOCK_TRUST, ...known, deployments: [] })).toEqual(["deployment"]);
    }
    expect(await failedOf(sampleBundle(), { ...WITH_KEY, ...known })).toEqual(["deployment"]);
  });

  it("needs hashes that can be ones: in capitals one would refute what is right", async () => {
    const louder = BLOCK.hash.toUpperCase().replace("0X", "0x") as Hex;
    for (const changes of [
      { blocks: [{ ...BLOCK, hash: louder }] },
      { rulebooks: [louder] },
      { deployments: [louder] },
    ]) {
      await expect(check(BUNDLE, { ...BLOCK_TRUST, ...changes })).rejects.toThrow(InputError);
    }
  });

  it("gives the same again, and tells of each link in order as it goes", async () => {
    const heard: LinkName[] = [];
    const result = await check(BUNDLE, { ...BLOCK_TRUST, onLink: ({ link }) => heard.push(link) });
    expect(heard).toEqual(result.links.map(({ link }) => link));
    expect(await check(BUNDLE)).toEqual(result);
  });
});

describe("a record without inputs", () => {
  /** The account holds nothing by the protocol's views: no input, and nothing unknown. */
  const nothing = adapterWith({
    *account() {
      yield* asked(CALLS);
      return { account: { groups: [] }, marketOf: () => expect.unreachable() };
    },
  });
  const trust = { ...BLOCK_TRUST, adapterOf: nothing };
  const recorded = (changes: Parameters<typeof provenAssessment>[0]) => {
    const about = { ruleId: "EU-CFD-NBP", metric: "ACC.NET_EQUITY", unit: "USDC", threshold: "0", inputs: {} };
    const assessment = provenAssessment({ ...about, condition: "met", measured: "0", ...changes });
    const { ruleId, blockTimestamp } = assessment;
    return provenBundle({ assessment, rulebook: disclose(RULEBOOK.source, { ruleId, blockTimestamp }) });
  };

  it("is proven where the views give none, and never with a reason of its own", async () => {
    expect(await check(recorded({}), trust)).toMatchObject({ status: "verified", assurance: "proven" });
    for (const [reason, condition] of [
      ["STALE_ORACLE", "unknown"],
      ["NO_POSITION", "met"],
    ] as const) {
      const bundle = recorded({ reason, condition, measured: null });
      expect(await failedOf(bundle, trust)).toEqual(["metric"]);
    }
  });
});

describe("each link of a proof fails on its own", () => {
  const failing = async (changes: Parameters<typeof provenAssessment>[0]) =>
    await failedOf(provenBundle({ assessment: provenAssessment(changes) }), WITH_KEY);

  it("block: another hash is trusted", async () => {
    const blocks = [{ ...BLOCK, hash: `0x${"b2".repeat(32)}` as const }];
    expect(await failedOf(BUNDLE, { ...BLOCK_TRUST, blocks })).toEqual(["block"]);
  });

  it("header: the block has another number, time or hash than is claimed", async () => {
    const later = provenBundle({ assessment: provenAssessment({ blockNumber: "14" }) });
    expect(await failedOf(later, { ...BLOCK_TRUST, blocks: [{ ...BLOCK, number: "14" }] })).toEqual(["header"]);
    expect(await failing({ blockTimestamp: "1775140438" })).toEqual(["header"]);
    const blockHash = `0x${"b2".repeat(32)}` as const;
    const bundle = provenBundle({ assessment: provenAssessment({ blockHash }) });
    const blocks = [{ ...BLOCK, hash: blockHash }];
    expect(await failedOf(bundle, { ...BLOCK_TRUST, blocks })).toEqual(["header"]);
  });

  it("deployment: another is named, or the chain, the protocol or the form is not the deployment's", async () => {
    expect(await failing({ deploymentHash: `0x${"00".repeat(32)}` })).toEqual(["deployment"]);
    const other = (change: (json: Loose) => void): Uint8Array => {
      const deployment = structuredClone(DEPLOYMENT) as Loose;
      change(deployment);
      const assessment = provenAssessment({ deploymentHash: digestOf(deployment) });
      return provenBundle({ deployment, assessment });
    };
    for (const change of [
      (json: Loose) => (json.chains = json.chains.slice(1)),
      (json: Loose) => (json.chains[0].protocols[0].protocol = "perp-v3"),
      (json: Loose) => (json.chains[0].epochBlocks = "032"),
      (json: Loose) => (json.more = "x"),
      (json: Loose) => (json.version = "2"),
    ]) {
      expect(await failedOf(other(change))).toEqual(["deployment", "call"]);
    }
    expect((await check(other((json) => (json.name = "other")))).status).toBe("verified");
  });

  it("deployment: the block is not the last of the epoch the claim is of", async () => {
    for (const testPoint of ["epoch:0", "epoch:1"] as const) {
      const result = await check(provenBundle({ assessment: provenAssessment({ testPoint }) }));
      expect(named(result, false)).toEqual(["deployment", "metric", "rule"]);
      expect(said(result, "deployment")).toBe(
        `The last block of ${testPoint} is ${testPoint === "epoch:0" ? 31 : 63}, not 13.`,
      );
    }
  });

  it("state: what the witness says is not in the block", async () => {
    const spoiled = changed(BUNDLE, ({ evidence }) => (evidence.witness.accounts[1].balance = "1"));
    const result = await check(spoiled);
    expect(named(result, false)).toEqual(["state"]);
    expect(said(result, "call")).toMatch(/^Not looked at/);
    expect(said(result, "metric")).toMatch(/from the recorded inputs/);
    expect(result).toMatchObject({ status: "refuted", assurance: null, inputs: { taken: NAMES } });
  });

  it("state or call: a slot, an account, code or a node is dropped", async () => {
    const drops: ((witness: Loose) => void)[] = [
      (w) => w.accounts.splice(1, 1),
      (w) => w.accounts.splice(2, 1),
      (w) => w.accounts.find((a: Loose) => a.slots.length > 0).slots.splice(0, 1),
      (w) => delete w.codes[Object.keys(w.codes)[0] as string],
      (w) => w.nodes.splice(0, 1),
    ];
    for (const drop of drops) {
      const failed = await failedOf(changed(BUNDLE, ({ evidence }) => drop(evidence.witness)));
      expect(["state", "call"]).toContain(failed[0]);
      expect(failed).toHaveLength(1);
    }
  });

  it("call: the views ask for something else, nothing, or throw", async () => {
    const broken = (thrown: unknown) =>
      adapterWith({
        // biome-ignore lint/correctness/useYield: it throws before it asks.
        *account() {
          throw thrown;
        },
      });
    for (const thrown of [new RangeError("deep"), new InputError("No."), "text", undefined]) {
      const result = await check(BUNDLE, { ...BLOCK_TRUST, adapterOf: broken(thrown) });
      expect(named(result, false)).toEqual(["call"]);
      expect(said(result, "call")).toMatch(/^[A-Z].*\.$/);
    }
    const more = adapterWith({
      *account(of) {
        yield [{ account: of.address, slot: `0x${"00".repeat(32)}` }];
        throw new Error("Never gets here.");
      },
    });
    const result = await check(BUNDLE, { ...BLOCK_TRUST, adapterOf: more });
    expect(said(result, "call")).toMatch(/is not in the witness/);
  });

  it("call: no view states such a figure, or the account is not the one that is named", async () => {
    expect(await failing({ account: `eip155:901:0x${"5b".repeat(20)}` })).toEqual(["call"]);
    expect(await failing({ account: null })).toEqual(["call"]);
    const adapterOf: Trust["adapterOf"] = (protocol) => {
      const { views, ...rest } = adapterWith()(protocol);
      return rest;
    };
    expect(await failedOf(BUNDLE, { ...BLOCK_TRUST, adapterOf })).toEqual(["call"]);
    const log = provenBundle({ assessment: provenAssessment({ testPoint: "log:3" }) });
    expect(await failedOf(log)).toEqual(["call", "metric", "rule"]);
  });

  it("call: code is another than the deployment pins", async () => {
    const pinning = (hash: string): Uint8Array => {
      const deployment = structuredClone(DEPLOYMENT) as Loose;
      const [protocol] = deployment.chains[0].protocols;
      protocol.codeHashes = { [protocol.settlement.address]: hash };
      return provenBundle({ deployment, assessment: provenAssessment({ deploymentHash: digestOf(deployment) }) });
    };
    const token = WITNESS.accounts.find(({ address }) => address === tokenAddress())?.codeHash as string;
    const right = await check(pinning(token));
    expect(right.status).toBe("verified");
    expect(said(right, "deployment")).toMatch(/It pins the code of 1 contract\.$/);
    expect(said(right, "call")).toMatch(/1 of them pinned/);
    expect(await failedOf(pinning(`0x${"00".repeat(32)}`))).toEqual(["call"]);
  });

  it("metric: an input, the figure or its unit is another than the views state", async () => {
    const { inputs } = provenAssessment();
    for (const other of [
      { ...inputs, equity: "1" },
      { ...inputs, "notional.gold": "0", "rate.gold": "50000000000000000" },
      { equity: inputs.equity as string },
      {},
    ]) {
      expect((await failing({ inputs: other }))[0]).toBe("metric");
    }
    expect(await failing({ measured: "1" })).toEqual(["metric"]);
    expect(await failing({ unit: "USD" })).toEqual(["metric"]);
  });

  it("metric: views that state no inputs prove nothing", async () => {
    const hidden = adapterWith({
      *account(of) {
        const views = adapterWith()("perp-v2").views as NonNullable<ReturnType<Trust["adapterOf"]>["views"]>;
        const held = yield* views.account(of);
        const groups = held.account.groups.map((group) => ({
          ...group,
          equity: { value: null, reason: "PROTOCOL_HIDES_STATE" } as const,
        }));
        return { ...held, account: { groups } };
      },
    });
    const result = await check(BUNDLE, { ...BLOCK_TRUST, adapterOf: hidden });
    expect(named(result, false)).toEqual(["metric"]);
    expect(said(result, "metric")).toMatch(/PROTOCOL_HIDES_STATE/);
  });

  it("rule and rulebook: by another rule than is shown", async () => {
    expect(await failing({ condition: "met" })).toEqual(["rule"]);
    expect(await failing({ rulebookHash: `0x${"00".repeat(32)}` })).toEqual(["rulebook", "metric", "rule"]);
    expect((await failing({ ruleId: "EU-CFD-LEV-CRYPTO" }))[0]).toBe("rulebook");
  });
});

describe("a figure proof", () => {
  it("is verified with the hash of its block", async () => {
    const result = await check(FIGURE);
    expect(result).toMatchObject({ status: "verified", assurance: "proven", inputs: { proven: NAMES, taken: [] } });
    expect(named(result, null)).toEqual([
      "leaf",
      "inclusion",
      "signature",
      "witnesses",
      "anchor",
      "receipts",
      "rule",
      "blinding",
    ]);
    expect((await check(FIGURE, BLOCKLESS)).status).toBe("unchecked");
    expect((await check(FIGURE, WITH_KEY)).status).toBe("verified");
  });

  it("needs no rule where the metric takes nothing of one", async () => {
    const bare = sampleFigure({
      ...{ ruleId: null, rulebookHash: null, metric: "ACC.NET_EQUITY", unit: "USDC" },
      inputs: { "equity.cross": sampleFigure().inputs.equity as string },
      measured: sampleFigure().inputs.equity as string,
    });
    const result = await check(figureProof(bare));
    expect(result.status, JSON.stringify(result)).toBe("verified");
    expect(named(result, null)).toContain("rulebook");
    expect(await failedOf(figureProof({ ...bare, unit: "USD" }))).toEqual(["metric"]);
  });

  it.each<[string, Partial<ReturnType<typeof sampleFigure>>, LinkName[]]>([
    ["another value", { measured: "1" }, ["metric"]],
    ["an unknown value", { measured: null, reason: "NO_PRICE" }, ["metric"]],
    ["another input", { inputs: { ...sampleFigure().inputs, "rate.crypto": "1" } }, ["metric"]],
    ["other decimals", { decimals: "17" }, ["metric"]],
    ["another metric than its rule's", { metric: "ACC.LEVERAGE" }, ["rulebook", "metric"]],
    ["a metric that is none", { metric: "ACC.X" }, ["rulebook", "call"]],
    ["another deployment", { deploymentHash: `0x${"00".repeat(32)}` }, ["deployment"]],
    ["another rulebook", { rulebookHash: `0x${"00".repeat(32)}` }, ["rulebook"]],
    ["another rule", { ruleId: "EU-CFD-LEV-CRYPTO" }, ["rulebook", "call"]],
    ["another account", { subject: `eip155:901:0x${"5b".repeat(20)}` }, ["call"]],
    ["another time", { blockTimestamp: "1775140438" }, ["header"]],
  ])("fails by its own link: %s", async (_, changes, links) => {
    const failed = await failedOf(figureProof(sampleFigure(changes)));
    expect(failed.filter((link) => links.includes(link))).toEqual(links);
    expect(failed[0]).toBe(links[0]);
  });
});

describe("a figure that would take hours to work out", () => {
  it.each([
    ["an exponent", { size: "1", markPrice: "9".repeat(70), power: "4000000", normFactor: "1" }, /^power is 4000000;/],
    ["digits", { notional: "9".repeat(1_000_000) }, /^notional is "9{9}.*; expected an integer in decimal digits\.$/],
  ])("is refuted by its %s", async (_, inputs, sentence) => {
    const bare = sampleFigure({ ruleId: null, rulebookHash: null, metric: "POS.NOTIONAL", unit: "USDC", inputs });
    expect(said(await check(figureProof(bare)), "metric")).toMatch(sentence);
  });
});

function tokenAddress(): string {
  return (DEPLOYMENT as Loose).chains[0].protocols[0].settlement.address;
}
