import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { cosignerOf } from "../../../src/core/log/cosignature.ts";
import { addSignatures } from "../../../src/core/log/head.ts";
import type { EpochFile, ScopeProof } from "../../../src/core/proof/epoch-file.ts";
import { makeEpochFile } from "../../../src/core/proof/epoch-file.ts";
import { parseNote, signerOf } from "../../../src/core/proof/note.ts";
import { verifyEpochFile } from "../../../src/core/proof/verify-epoch.ts";
import { checked, TRUST } from "./checked-epoch.ts";
import { accountAt, CHAIN, epochFile, epochProof, MARKET, PERP, SUSD, SYNTH, USDC, WETH } from "./epoch-sample.ts";

const scopeOf = (file: EpochFile, protocol: string): ScopeProof =>
  file.scopes.find((scope) => scope.protocol === protocol) as ScopeProof;

describe("a proof of an account in an epoch", () => {
  it("shows its figures, all its assessments with those of its positions, and its part in the sums", () => {
    const file = epochFile(accountAt(12));
    expect(checked(file)).toEqual({ status: "verified", failed: [] });
    expect(file.scopes.map(({ protocol }) => protocol)).toEqual([PERP, SYNTH, CHAIN]);
    const { state, assessments, collateral } = scopeOf(file, PERP);
    expect(state).toMatchObject({ leaf: { state: { balance: "124" } } });
    expect(assessments).toMatchObject({
      assessments: [
        { key: `${PERP}|${MARKET}/${accountAt(12).slice(11)}/1|R-3` },
        { key: `${PERP}|${accountAt(12)}|R-1` },
        { key: `${PERP}|${accountAt(12)}|R-2` },
      ],
    });
    expect(collateral).toMatchObject([
      {
        totals: { leaf: { key: `${PERP}|${USDC}` } },
        holding: { leaf: { state: { held: "120004", required: "120" } } },
      },
      { totals: { leaf: { key: `${PERP}|${WETH}` } }, holding: { leaf: { state: { held: "7", required: "0" } } } },
    ]);
    expect(scopeOf(file, SYNTH)).toMatchObject({ state: { leaf: { state: { debt: "12" } } } });
    expect(scopeOf(file, SYNTH).collateral).toMatchObject([{ totals: { key: `${SYNTH}|${SUSD}` }, holding: null }]);
  });

  it("shows of an account that is not there that nothing is there, wherever it would stand", () => {
    for (let i = 1; i <= 25; i += 2) {
      const file = epochFile(accountAt(i));
      expect(checked(file)).toEqual({ status: "verified", failed: [] });
      const { state, assessments, collateral } = scopeOf(file, PERP);
      for (const part of [state, assessments, collateral[0]?.holding]) expect(part).not.toHaveProperty("leaf");
      expect(state).toMatchObject({ key: `${PERP}/account:${accountAt(i).slice(11)}` });
    }
  });

  it.each([
    ["a market", MARKET],
    ["a protocol", PERP],
    ["an asset", USDC],
    ["the chain", CHAIN],
    ["a market that is not there", `${SYNTH}/100`],
    ["an asset that is not there", `${CHAIN}/erc20:0x${"9".repeat(40)}`],
  ])("can be had of %s", (_, subject) => {
    expect(checked(epochFile(subject))).toEqual({ status: "verified", failed: [] });
  });

  it("is of one epoch: an older one says what was then", () => {
    const file = epochFile(accountAt(8), 3);
    expect(checked(file)).toEqual({ status: "verified", failed: [] });
    expect(scopeOf(file, PERP).state).toMatchObject({ leaf: { state: { balance: "83" } } });
  });

  it.each([
    ["a position", `${MARKET}/0x${"1".repeat(40)}/1`],
    ["an account of another chain", `eip155:1:0x${"1".repeat(40)}`],
    ["an account in capitals", `${CHAIN}:0x${"A".repeat(40)}`],
    ["a market in capitals", `${PERP}/0x${"E".repeat(40)}`],
    ["what only looks like a market", `${PERP}/0x${"\u0435".repeat(40)}`],
    ["nothing", ""],
  ])("is not made of %s, and none is believed", (_, subject) => {
    expect(() => epochProof(subject)).toThrow(InputError);
    expect(checked({ ...epochFile(MARKET), subject }).status).toBe("refuted");
  });
});

describe("what a verifier brings along", () => {
  const file = epochFile(accountAt(8));
  const { rulebookHash, deploymentHash, blockHash, toBlock } = file.epoch.body;

  it("decides what is checked, and whether it is enough", () => {
    const block = (hash: string) => ({ chain: CHAIN, number: toBlock, hash: hash as typeof blockHash });
    const witness = cosignerOf("witness.test/w", new Uint8Array(32).fill(9));
    const cosigned = {
      ...file,
      checkpoint: addSignatures(file.checkpoint, [witness.cosign(parseNote(file.checkpoint).text, 1_700_000_000n)]),
    };
    const witnesses = { keys: [witness.verifierKey], threshold: 1 };
    const other: typeof blockHash = `0x${"77".repeat(32)}`;
    expect(checked(file, { logKeys: [] })).toEqual({ status: "unchecked", failed: [] });
    expect(checked(file, { ...TRUST, blocks: [] }).status).toBe("unchecked");
    expect(checked(file, { ...TRUST, blocks: [block(blockHash)] }).status).toBe("verified");
    expect(checked(file, { ...TRUST, blocks: [block(other)] }).failed).toEqual(["block"]);
    expect(checked(file, { ...TRUST, rulebooks: [rulebookHash], deployments: [deploymentHash] }).status).toBe(
      "verified",
    );
    expect(checked(file, { ...TRUST, rulebooks: [other] }).failed).toEqual(["rulebook"]);
    expect(checked(file, { ...TRUST, deployments: [other] }).failed).toEqual(["deployment"]);
    expect(checked(file, { ...TRUST, witnesses }).status).toBe("unchecked");
    expect(checked(cosigned, { ...TRUST, witnesses }).status).toBe("verified");
    expect(checked(cosigned, TRUST).status).toBe("verified");
    const elsewhere = witness.cosign("other.test/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 1n);
    const spoiled = { ...file, checkpoint: addSignatures(file.checkpoint, [elsewhere]) };
    expect(checked(spoiled, { ...TRUST, witnesses }).failed).toEqual(["witnesses"]);
    const stranger = signerOf("plumbline.test/log", new Uint8Array(32).fill(6));
    expect(checked(file, { logKeys: [stranger.verifierKey] }).failed).toEqual(["signature"]);
  });

  it("must be keys", () => {
    expect(() => verifyEpochFile(epochProof(accountAt(8)), { logKeys: ["x"] })).toThrow(InputError);
  });
});

describe("making a proof", () => {
  it("refuses a part that is malformed", () => {
    const parts = { ...epochFile(accountAt(8)), trees: undefined as never, stateOf: () => null };
    const epoch = { body: { ...parts.epoch.body, stateRoot: "x" as never }, index: 0, proof: [] };
    expect(() => makeEpochFile({ ...parts, deployment: {}, epoch })).toThrow(InputError);
  });
});
