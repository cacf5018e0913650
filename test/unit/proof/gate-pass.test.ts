import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import type { EpochFile } from "../../../src/core/proof/epoch-file.ts";
import type { SubjectProof } from "../../../src/core/proof/epoch-proof.ts";
import type { GateProof } from "../../../src/core/proof/gate.ts";
import { gatePass, gateProofJson, requirePass } from "../../../src/core/proof/gate-pass.ts";
import { parseCheckpoint, parseNote } from "../../../src/core/proof/note.ts";
import { accountAt, epochFile, PERP, SYNTH } from "./epoch-sample.ts";

const ACCOUNT = accountAt(4);
const file = epochFile(ACCOUNT, 3);
const pass = gatePass(file, { ruleId: "R-2" });
const ofOther = gatePass(epochFile(accountAt(6), 3), { ruleId: "R-2" });

/** The file with what it says of the first protocol said of the second too. */
function twice(): EpochFile {
  const [perp, synth, ...rest] = file.scopes;
  if (perp === undefined || synth === undefined) throw new Error("The sample has two protocols.");
  const said = perp.assessments as SubjectProof;
  const moved = (key: string) => key.replace(PERP, SYNTH);
  const assessments = said.assessments.map(({ key, state }) => ({ key: moved(key), state }));
  const again = { ...said, subject: moved(said.subject), assessments };
  return { ...file, scopes: [perp, { ...synth, assessments: again }, ...rest] };
}

describe("what an account takes to a gate", () => {
  it("is the argument that a gate made for it accepts, under the file's checkpoint", () => {
    const { body, index } = file.epoch;
    expect(pass).toMatchObject({ account: ACCOUNT, protocol: PERP, ruleId: "R-2", epoch: body });
    const { size } = parseCheckpoint(parseNote(file.checkpoint).text);
    expect(pass.proof.inLog).toMatchObject({ index: BigInt(index), size: BigInt(size) });
    expect(() => requirePass(pass, pass.proof)).not.toThrow();
    expect(gatePass(file, { ruleId: "R-2", protocol: PERP })).toEqual(pass);
  });

  it.each([
    [
      "a rule whose condition is not met",
      epochFile(ACCOUNT, 4),
      { ruleId: "R-1" },
      /R-1 is not met for eip155:901:0x0+4/,
    ],
    ["an unknown rule", file, { ruleId: "R-9" }, /no assessment of .* under R-9; it has some under R-1, R-2\./],
    ["a rule about positions", file, { ruleId: "R-3" }, /no assessment of .* under R-3;/],
    ["no rule", file, { ruleId: "" }, /no assessment of/],
    ["another protocol", file, { ruleId: "R-1", protocol: SYNTH }, /no assessment of .* in eip155:901\/synthetix-v3\./],
    ["an account that is not in the epoch", epochFile(accountAt(5), 3), { ruleId: "R-1" }, /no assessment of .*5\.$/],
    ["a rule that two protocols have, none named", twice(), { ruleId: "R-1" }, /perp-v2 and .*synthetix-v3; name one/],
    ["what is not the epoch's", twice(), { ruleId: "R-1", protocol: SYNTH }, /is not leaf/],
  ])("is refused for %s", (_, of, asked, says) => {
    expect(() => gatePass(of, asked)).toThrow(InputError);
    expect(() => gatePass(of, asked)).toThrow(says);
  });

  it("is refused of a file that does not hold", () => {
    const other = epochFile(ACCOUNT, 4);
    const mixed = { ...file, epoch: { ...file.epoch, index: other.epoch.index } };
    expect(() => gatePass(mixed, { ruleId: "R-1" })).toThrow(/LeafNotIncluded/);
    expect(() => gatePass({ ...file, epoch: other.epoch }, { ruleId: "R-1" })).toThrow(InputError);
  });

  it("shows nothing else than what it was made for", () => {
    const claims = [
      { ...pass, account: accountAt(6) },
      { ...pass, ruleId: "R-1" },
      { ...pass, protocol: SYNTH },
      { ...pass, epoch: { ...pass.epoch, toBlock: "126" } },
      { ...pass, epoch: { ...pass.epoch, toBlock: "128" } },
      { ...pass, epoch: { ...pass.epoch, chain: "eip155:902" } },
      { ...pass, epoch: { ...pass.epoch, kernel: "another" } },
      { ...pass, epoch: { ...pass.epoch, rulebookHash: `0x${"00".repeat(32)}` as const } },
      { ...pass, epoch: { ...pass.epoch, deploymentHash: `0x${"00".repeat(32)}` as const } },
      { ...pass, checkpoint: pass.checkpoint.replace(/\n\d+\n/, "\n2\n") },
    ];
    for (const claim of claims) expect(() => requirePass(claim, pass.proof)).toThrow(InputError);
    const proofs: GateProof[] = [
      ofOther.proof,
      { ...pass.proof, inEpoch: ofOther.proof.inEpoch },
      { ...pass.proof, places: { ...pass.proof.places, kernel: pass.proof.places.kernel + 1 } },
      { ...pass.proof, inLog: { ...pass.proof.inLog, size: 2n ** 63n } },
    ];
    for (const proof of proofs) expect(() => requirePass(pass, proof)).toThrow(InputError);
  });

  it("has a form in JSON, all of it", () => {
    const json = JSON.parse(JSON.stringify(gateProofJson(pass.proof)));
    const { inLog, inAccount, inEpoch, ...rest } = pass.proof;
    expect(json).toMatchObject(rest);
    for (const [name, path] of Object.entries({ inLog, inAccount, inEpoch })) {
      expect(json[name]).toEqual({ index: String(path.index), size: String(path.size), proof: path.proof });
    }
  });
});
