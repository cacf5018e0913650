import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { cosignerOf } from "../../../src/core/log/cosignature.ts";
import { addSignatures } from "../../../src/core/log/head.ts";
import { canonicalBytes, type Json } from "../../../src/core/proof/canonical.ts";
import type { EpochFile, ScopeProof } from "../../../src/core/proof/epoch-file.ts";
import { isEpochFile, makeEpochFile, parseEpochFile } from "../../../src/core/proof/epoch-file.ts";
import { parseNote, signerOf } from "../../../src/core/proof/note.ts";
import { EPOCH_LINKS, type EpochTrust, verifyEpochFile } from "../../../src/core/proof/verify-epoch.ts";
import {
  accountAt,
  CHAIN,
  epochFile,
  epochProof,
  MARKET,
  PERP,
  SUSD,
  SYNTH,
  signer,
  USDC,
  WETH,
} from "./epoch-sample.ts";

const TRUST: EpochTrust = { logKeys: [signer.verifierKey] };

/** A file with parts that can be changed. */
// biome-ignore lint/suspicious/noExplicitAny: a hostile file has any form
type Loose = any;

function checked(file: EpochFile | Loose, trust: EpochTrust = TRUST) {
  const { status, links } = verifyEpochFile(canonicalBytes(file as unknown as Json), trust);
  const failed = links.filter(({ ok }) => ok === false).map(({ link }) => link);
  return { status, failed };
}

/** What the file says once `change` has been at it. */
function changed(change: (file: Loose, other: Loose) => void, subject = accountAt(8)) {
  const file = structuredClone(epochFile(subject)) as Loose;
  change(file, structuredClone(epochFile(accountAt(12))) as Loose);
  return checked(file);
}

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

describe("a changed epoch proof is refuted", () => {
  const first = (file: Loose): Loose => file.scopes[0];
  it.each<[string, (file: Loose, other: Loose) => void, readonly string[]]>([
    ["another account's state", (f, o) => (first(f).state = first(o).state), ["state"]],
    ["another account's assessments", (f, o) => (first(f).assessments = first(o).assessments), ["assessments"]],
    ["another account's part in the sums", (f, o) => (first(f).collateral = first(o).collateral), ["collateral"]],
    ["another subject", (f) => (f.subject = accountAt(12)), ["state", "assessments", "collateral"]],
    ["figures that were changed", (f) => (first(f).state.leaf.state.balance = "999"), ["state"]],
    [
      "a key that was changed with them",
      (f) => (first(f).state.leaf.key = `${PERP}/account:${accountAt(9).slice(11)}`),
      ["state"],
    ],
    ["an assessment left out", (f) => first(f).assessments.assessments.pop(), ["assessments"]],
    ["an assessment of a position left out", (f) => first(f).assessments.assessments.shift(), ["assessments"]],
    ["assessments in another order", (f) => first(f).assessments.assessments.reverse(), ["assessments"]],
    [
      "an assessment that is there twice",
      (f) => first(f).assessments.assessments.push(first(f).assessments.assessments.at(-1)),
      ["assessments"],
    ],
    [
      "a condition that was changed",
      (f) => (first(f).assessments.assessments[0].state.condition = "met"),
      ["assessments"],
    ],
    ["a sum that was changed", (f) => (first(f).collateral[0].totals.leaf.state.held = "1"), ["collateral"]],
    ["what is held changed", (f) => (first(f).collateral[0].holding.leaf.state.held = "1"), ["collateral"]],
    [
      "an unknown requirement made none",
      (f) => (first(f).collateral[0].holding.leaf.state.required = "0"),
      ["collateral"],
    ],
    ["a sum on the way changed", (f) => (first(f).collateral[0].holding.leaf.path[1].held = "1"), ["collateral"]],
    [
      "a sum on the way too large",
      (f) => (first(f).collateral[0].holding.leaf.path[1].held = "9".repeat(78)),
      ["collateral"],
    ],
    ["an asset left out", (f) => first(f).collateral.pop(), ["collateral"]],
    ["assets in another order", (f) => first(f).collateral.reverse(), ["collateral"]],
    ["the account's part in the sums left out", (f) => (first(f).collateral[0].holding = null), ["collateral"]],
    ["the state left out", (f) => (first(f).state = null), ["state"]],
    ["a path cut short", (f) => first(f).state.leaf.proof.pop(), ["state"]],
    ["a path of the sums cut short", (f) => first(f).collateral[0].holding.leaf.path.pop(), ["collateral"]],
    ["a path with a hash more", (f) => first(f).assessments.proof.push(`0x${"00".repeat(32)}`), ["assessments"]],
    ["another place", (f) => (first(f).state.leaf.index = "0"), ["state"]],
    ["another number of leaves", (f) => (first(f).state.size = "99"), ["state"]],
    ["a protocol left out", (f) => f.scopes.splice(1, 1), ["deployment", "state", "assessments", "collateral"]],
    ["protocols in another order", (f) => f.scopes.reverse(), ["deployment", "state", "assessments", "collateral"]],
    [
      "a protocol that is not deployed",
      (f) => f.scopes.push(f.scopes[0]),
      ["deployment", "state", "assessments", "collateral"],
    ],
    [
      "a deployment without a protocol",
      (f) => {
        f.deployment.chains[0].protocols.pop();
        f.scopes.splice(1, 1);
      },
      ["deployment"],
    ],
    ["a state given where there is none", (f) => (f.scopes[2].state = first(f).state), ["state"]],
    ["an epoch that was changed", (f) => (f.epoch.body.stateCount = "1"), ["inclusion", "state"]],
    [
      "another epoch's body",
      (f) => (f.epoch.body = epochFile(accountAt(8), 3).epoch.body),
      ["inclusion", "state", "assessments", "collateral"],
    ],
    [
      "another epoch altogether",
      (f) => (f.epoch = epochFile(accountAt(8), 3).epoch),
      ["state", "assessments", "collateral"],
    ],
    ["another index in the log", (f) => (f.epoch.index = "0"), ["inclusion"]],
    ["a checkpoint that was changed", (f) => (f.checkpoint = f.checkpoint.replace("\n3\n", "\n4\n")), ["signature"]],
    ["a checkpoint without a signature", (f) => (f.checkpoint = f.checkpoint.slice(0, 20)), ["shape"]],
  ])("%s", (_, change, failed) => {
    const { status, failed: found } = changed(change);
    expect(status).toBe("refuted");
    expect(found).toEqual(expect.arrayContaining([...failed]));
  });

  it("an account denied by two leaves that are not neighbours", () => {
    for (const part of ["state", "assessments"] as const) {
      const result = changed((file) => {
        const [below, above] = [epochFile(accountAt(7)), epochFile(accountAt(9))] as Loose[];
        const key = part === "state" ? `${PERP}/account:${accountAt(8).slice(11)}` : `${PERP}|${accountAt(8)}`;
        first(file)[part] = { ...first(below)[part], key, after: first(above)[part].after };
      });
      expect(result).toEqual({ status: "refuted", failed: [part] });
    }
    const result = changed((file) => {
      const [below, above] = [epochFile(accountAt(7)), epochFile(accountAt(9))] as Loose[];
      const key = `${PERP}|${USDC}|${accountAt(8).slice(11)}`;
      const holding = first(below).collateral[0].holding;
      first(file).collateral[0].holding = { ...holding, key, after: first(above).collateral[0].holding.after };
    });
    expect(result).toEqual({ status: "refuted", failed: ["collateral"] });
  });

  it("sums denied where there are some", () => {
    const result = changed((file) => {
      const none = structuredClone(file.scopes[1].collateral[0].totals) as Loose;
      first(file).collateral[0] = { totals: { ...none, key: `${PERP}|${USDC}` }, holding: null };
    });
    expect(result).toEqual({ status: "refuted", failed: ["collateral"] });
  });

  it("in any one bit, and without a crash", () => {
    const bytes = epochProof(accountAt(8));
    const bit = fc.record({ at: fc.nat(bytes.length - 1), bit: fc.nat(7) });
    fc.assert(
      fc.property(bit, ({ at, bit }) => {
        const broken = bytes.slice();
        broken[at] = (broken[at] as number) ^ (1 << bit);
        const { status, file } = verifyEpochFile(broken, TRUST);
        // How many leaves a tree over holders has is in no root, and nothing rests on it.
        expect(status === "refuted" || withoutSizes(file) === withoutSizes(parseEpochFile(bytes))).toBe(true);
      }),
      { seed: 5, numRuns: 400 },
    );
  });

  it("in any member that is dropped, or said otherwise in the words of another proof", () => {
    const file = epochFile(accountAt(8));
    const words = [epochFile(accountAt(12)), epochFile(accountAt(9))].flatMap((other) => textsIn(other as Loose));
    const places = placesIn(file as Loose);
    const mutation = fc.record({ place: fc.constantFrom(...places), word: fc.constantFrom(null, ...words) });
    fc.assert(
      fc.property(mutation, ({ place, word }) => {
        const other = structuredClone(file) as Loose;
        const parent = place.slice(0, -1).reduce((at, name) => at[name], other);
        const name = place.at(-1) as string;
        if (word !== null) parent[name] = word;
        else if (Array.isArray(parent)) parent.splice(Number(name), 1);
        else delete parent[name];
        const verified = verifyEpochFile(canonicalBytes(other), TRUST);
        expect(verified.status === "refuted" || withoutSizes(verified.file) === withoutSizes(file)).toBe(true);
      }),
      { seed: 6, numRuns: 600 },
    );
  });

  it("when it is no epoch proof at all", () => {
    for (const text of ["", "{}", "[]", "null", '"x"', '{"version":"plumbline-epoch-proof/2"}']) {
      const { status, file, links } = verifyEpochFile(new TextEncoder().encode(text), TRUST);
      expect([status, file, links.length]).toEqual(["refuted", null, EPOCH_LINKS.length]);
    }
    expect(isEpochFile(new TextEncoder().encode('{"version":"plumbline-epoch-proof/2"}'))).toBe(true);
    for (const text of ["", "null", "[]", '{"version":"plumbline-bundle/3"}']) {
      expect(isEpochFile(new TextEncoder().encode(text))).toBe(false);
    }
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

function withoutSizes(file: EpochFile | null): string {
  return JSON.stringify(file, (name, value) => (name === "size" ? undefined : value));
}

function textsIn(value: Loose): string[] {
  if (typeof value === "string") return [value];
  return value === null ? [] : Object.values(value).flatMap(textsIn);
}

function placesIn(value: Loose, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  const below = Object.entries(value).flatMap(([name, item]) => placesIn(item, [...path, name]));
  return path.length === 0 ? below : [path, ...below];
}
