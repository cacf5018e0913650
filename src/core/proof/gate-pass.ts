/**
 * What an account takes to a gate, made of an epoch proof about it, and checked as the gate will: whatever a gate would
 * refuse of it is refused here first, in a sentence. The gate's own terms, its age limit above all, only the gate knows.
 */
import type { Epoch } from "../assessment.ts";
import { InputError } from "../errors.ts";
import { addressOf, chainIdOf } from "../ids.ts";
import { fromHex, toHex } from "./bytes.ts";
import type { EpochFile } from "./epoch-file.ts";
import type { SubjectProof } from "./epoch-proof.ts";
import { type GateProof, gateProof, gateRefusal } from "./gate.ts";
import { parseCheckpoint, parseNote } from "./note.ts";

/** What is shown: that a rule's condition is met for an account (CAIP-10) in a protocol, by an epoch under a checkpoint. */
export type GateClaim = {
  account: string;
  protocol: string;
  ruleId: string;
  epoch: Pick<Epoch, "chain" | "toBlock" | "rulebookHash" | "deploymentHash" | "kernel">;
  /** The signed note of the head that the chain has. */
  checkpoint: string;
};

/** The claim and the argument of `act` that shows it. */
export type GatePass = GateClaim & { epoch: Epoch; proof: GateProof };

/**
 * The pass of an account.
 * @param protocol only needed where the rule is assessed of the account in several.
 * @throws InputError when the epoch has no assessment of the account under the rule, its condition is not met, or the file
 * does not hold.
 */
export function gatePass(file: EpochFile, { ruleId, protocol }: { ruleId: string; protocol?: string }): GatePass {
  const { subject, checkpoint } = file;
  const { body: epoch, index, proof } = file.epoch;
  const found = assessmentsUnder(file, { ruleId, protocol });
  const inLog = {
    index: Number(index),
    size: parseCheckpoint(parseNote(checkpoint).text).size,
    proof: proof.map(fromHex),
  };
  const claim = { account: subject, protocol: found.protocol, ruleId, epoch, checkpoint };
  const pass = { ...claim, proof: gateProof({ epoch, inLog, assessments: found.assessments, ruleId }) };
  requirePass(pass, pass.proof);
  return pass;
}

/**
 * Checks that an argument of `act` shows what is claimed, to a gate that is made for it.
 * @throws InputError saying why the gate would refuse.
 */
export function requirePass({ account, protocol, ruleId, epoch, checkpoint }: GateClaim, proof: GateProof): void {
  const { size, root } = parseCheckpoint(parseNote(checkpoint).text);
  const { chain, toBlock, rulebookHash, deploymentHash, kernel } = epoch;
  const refusal = gateRefusal(proof, {
    terms: { protocol, ruleId, rulebookHash, deploymentHash, kernel, maxAgeBlocks: 0n },
    ...{ chainId: BigInt(chainIdOf(chain)), blockNumber: BigInt(toBlock), account: addressOf(account) },
    rootAt: (of) => (of === BigInt(size) ? toHex(root) : null),
  });
  if (refusal === "ConditionNotMet") {
    throw new InputError(`The condition of ${ruleId} is not met for ${account} in ${protocol} at block ${toBlock}.`);
  }
  if (refusal !== null) throw new InputError(`A gate would refuse this proof of ${account}: ${refusal}.`);
}

/** An argument of `act` as JSON: integers that JSON numbers are too small for are decimal text. */
export function gateProofJson({ inLog, inAccount, inEpoch, ...proof }: GateProof) {
  const pathJson = ({ index, size, proof: hashes }: GateProof["inLog"]) => ({
    ...{ index: index.toString(), size: size.toString(), proof: hashes },
  });
  return { ...proof, inLog: pathJson(inLog), inAccount: pathJson(inAccount), inEpoch: pathJson(inEpoch) };
}

/** The assessments of the account in the protocol in which the rule is assessed of it. */
function assessmentsUnder(
  { subject, epoch, scopes }: EpochFile,
  { ruleId, protocol }: { ruleId: string; protocol: string | undefined },
): { protocol: string; assessments: SubjectProof } {
  const own = scopes.flatMap(({ protocol: id, assessments }) =>
    "assessments" in assessments && (protocol === undefined || id === protocol) ? [{ protocol: id, assessments }] : [],
  );
  const where = `Epoch ${epoch.body.number} of ${epoch.body.chain}`;
  const within = protocol === undefined ? "" : ` in ${protocol}`;
  const keyOf = (id: string) => `${id}|${subject}|`;
  const [found, other] = own.filter(({ protocol: id, assessments }) =>
    assessments.assessments.some(({ key }) => key === keyOf(id) + ruleId),
  );
  if (found !== undefined && other === undefined) return found;
  if (found !== undefined) {
    throw new InputError(`${ruleId} is assessed of ${subject} in ${found.protocol} and ${other?.protocol}; name one.`);
  }
  const rules = own.flatMap(({ protocol: id, assessments }) =>
    assessments.assessments.flatMap(({ key }) => (key.startsWith(keyOf(id)) ? [key.slice(keyOf(id).length)] : [])),
  );
  if (rules.length === 0) throw new InputError(`${where} has no assessment of ${subject}${within}.`);
  throw new InputError(
    `${where} has no assessment of ${subject} under ${ruleId}${within}; it has some under ${[...new Set(rules)].join(", ")}.`,
  );
}
