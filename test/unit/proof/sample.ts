import { readFileSync } from "node:fs";
import { adapterOf } from "../../../src/adapters/catalogue.ts";
import { type Assessment, KERNEL_VERSION } from "../../../src/core/assessment.ts";
import { type Cosigner, cosignerOf } from "../../../src/core/log/cosignature.ts";
import { addSignatures } from "../../../src/core/log/head.ts";
import type { LogHead } from "../../../src/core/proof/anchor.ts";
import { type Anchoring, type Evidence, makeBundle } from "../../../src/core/proof/bundle.ts";
import type { Json } from "../../../src/core/proof/canonical.ts";
import { assessmentId } from "../../../src/core/proof/ids.ts";
import { assessmentLeaf, encodeLeaf, verdictLeaf } from "../../../src/core/proof/leaf.ts";
import { leafHash, MerkleTree } from "../../../src/core/proof/merkle.ts";
import { checkpointText, type Signer, signerOf } from "../../../src/core/proof/note.ts";
import { blindVerdict, type Opening, type OpenVerdict } from "../../../src/core/proof/verdict.ts";
import type { Trust } from "../../../src/core/proof/verify.ts";
import { disclose, disclosedRulebook } from "../../../src/core/rules/disclosure.ts";
import { reassess } from "../../../src/core/rules/reassess.ts";
import { parseRulebooks, type Rulebook } from "../../../src/core/rules/rule.ts";

export const SIGNER: Signer = signerOf("plumbline.example/test", new Uint8Array(32).fill(1));
/** Witnesses that watch the sample log. */
export const WITNESSES: readonly Cosigner[] = ["a.example/w", "b.example/w", "c.example/w"].map((name, i) =>
  cosignerOf(name, new Uint8Array(32).fill(11 + i)),
);
/** When they cosign, in seconds since 1970. */
const COSIGNED_AT = 1_775_088_600n;
const SECRET = new Uint8Array(32).fill(2);

/** Two of the project's own rulebook files, and the scenarios one names: a rule with facts and one without. */
export const RULEBOOK: Rulebook = parseRulebooks(
  ["eu", "protocols", "scenarios"].map((name) => {
    const file = new URL(`../../../rulebooks/${name}.json`, import.meta.url);
    return { name, json: JSON.parse(readFileSync(file, "utf8")) as unknown };
  }),
);

/** The sample rulebook as a bundle of the sample assessment shows it. */
export const DISCLOSED: Json = disclose(RULEBOOK.source, {
  ruleId: "EU-CFD-CLOSEOUT-50",
  blockTimestamp: "1775088000",
});

/** An account of 312.5 USD against 1,250.4 USD of crypto at 50 %: 0.499840051183621241 of what is required. */
export function sampleAssessment(changes: Partial<Assessment> = {}): Assessment {
  const assessment: Assessment = {
    id: "",
    chain: "eip155:901",
    protocol: "eip155:901/perp-v2",
    subject: `eip155:901:0x${"5a".repeat(20)}`,
    account: `eip155:901:0x${"5a".repeat(20)}`,
    ruleId: "EU-CFD-CLOSEOUT-50",
    rulebookHash: RULEBOOK.hash,
    deploymentHash: `0x${"de".repeat(32)}`,
    kernel: KERNEL_VERSION,
    testPoint: "end",
    condition: "not_met",
    metric: "ACC.CLOSEOUT_RATIO",
    inputs: {
      equity: "312500000000000000000",
      "notional.crypto": "1250400000000000000000",
      "rate.crypto": "500000000000000000",
    },
    measured: "499840051183621241",
    decimals: "18",
    unit: "ratio",
    reason: null,
    operator: ">=",
    threshold: "0.50",
    blockNumber: "4711",
    blockHash: `0x${"b1".repeat(32)}`,
    blockTimestamp: "1775088000",
    ...changes,
  };
  return { ...assessment, id: changes.id ?? assessmentId(assessment) };
}

/** What a bundle is made with, where a test wants it otherwise. */
export type SampleOptions = {
  assessment?: Assessment;
  signer?: Signer;
  /** As it is shown; otherwise the sample rulebook, with the rule of the sample assessment. */
  rulebook?: Json;
  evidence?: Evidence | null;
  deployment?: Json | null;
  /** Made into a blinded verdict; the opening goes into the bundle unless `blinded`. */
  verdict?: OpenVerdict;
  blinded?: boolean;
  opening?: (opening: Opening) => Opening;
  /** Who cosigns the checkpoint. */
  cosigners?: readonly Cosigner[];
  /** Where the checkpoint is on a chain, told its size and root. */
  anchor?: (head: LogHead) => Anchoring;
  /** Leaves of others before and after. */
  before?: number;
  after?: number;
};

/** A bundle as an honest log makes it, or as one that signs anything would. */
export function sampleBundle(options: SampleOptions = {}): Uint8Array {
  const { assessment = sampleAssessment(), signer = SIGNER, before = 5, after = 7 } = options;
  const tree = new MerkleTree();
  const others = (count: number): void => {
    for (let i = 0; i < count; i++) tree.append(leafHash(new TextEncoder().encode(`other ${tree.size}`)));
  };
  others(before);
  const index = tree.append(leafHash(encodeLeaf(assessmentLeaf(assessment))));
  const blinded = options.verdict && blindVerdict(assessment, { verdict: options.verdict, secret: SECRET });
  const verdictIndex = blinded ? tree.append(leafHash(encodeLeaf(verdictLeaf(blinded.body)))) : 0;
  others(after);
  const head = { origin: signer.name, size: tree.size, root: tree.root(), extensions: [] };
  const opening = blinded && (options.opening ?? ((o) => o))(blinded.opening);
  const text = checkpointText(head);
  const lines = (options.cosigners ?? []).map((one) => one.cosign(text, COSIGNED_AT));
  return makeBundle({
    tree,
    checkpoint: addSignatures(signer.sign(text), lines),
    anchor: options.anchor?.(head) ?? null,
    rulebook: options.rulebook ?? DISCLOSED,
    evidence: options.evidence ?? null,
    deployment: options.deployment ?? null,
    assessment: { body: assessment, index },
    verdict: blinded
      ? { body: blinded.body, index: verdictIndex, opening: options.blinded ? null : (opening ?? null) }
      : null,
  });
}

/** What a verifier brings who trusts the sample log. */
export const TRUST: Trust = {
  logKeys: [SIGNER.verifierKey],
  reassess: (rulebook, assessment) => reassess(disclosedRulebook(rulebook), assessment),
  adapterOf,
};
