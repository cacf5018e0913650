/**
 * What links are checked in: what is claimed, what comes with it, and what of that has been worked out so far.
 */
import type { Assessment } from "../../assessment.ts";
import { InputError } from "../../errors.ts";
import type { Quorum } from "../../log/cosignature.ts";
import type { ChainDeployment, Deployment, ProtocolDeployment } from "../../margin-model.ts";
import type { InputsOf } from "../../metrics/inputs.ts";
import { dayOf } from "../../rules/day.ts";
import { disclosedRulebook } from "../../rules/disclosure.ts";
import { type Rule, ruleAt } from "../../rules/rule.ts";
import { type Evidence, type ReadBundle, readBundle } from "../bundle.ts";
import type { Json } from "../canonical.ts";
import { checkLogs, type LogFinding } from "../check-logs.ts";
import { FIGURE_VERSION, readFigureProof } from "../figure-proof.ts";
import { provenLogs } from "../log-evidence.ts";
import type { Verifier } from "../note-key.ts";
import type { Figure } from "../shapes.ts";
import type { Reassessment, Trust } from "../verification.ts";
import { type OpenWitness, openWitness, type VerifiedRun } from "../verified-call.ts";
import { checkBlock } from "./ground.ts";
import { placeIn } from "./place.ts";
import { runViews } from "./views.ts";

/** What is measured, where, and what it came to: an assessment, or a figure on its own. */
export type Claim = Omit<Figure, "testPoint"> & Pick<Assessment, "testPoint">;

/** Where the claim's protocol is, as the deployment has it; `protocol` is null for what is about a chain. */
export type Place = { deployment: Deployment; chain: ChainDeployment; protocol: ProtocolDeployment | null };

/**
 * What links are checked in. The functions give the same answer, or throw the same error, every time: what several links
 * need is worked out once.
 */
export type Context = {
  claim: Claim;
  /** The bundle the claim is in; null for a figure on its own. */
  sealed: ReadBundle | null;
  rulebook: Json | null;
  deployment: Json | null;
  evidence: Evidence | null;
  verifiers: readonly Verifier[];
  /** Null when no witness was named. */
  quorum: Quorum | null;
  trust: Trust;
  /** The rule the rulebook shows; null for a figure without one. */
  rule: () => Rule | null;
  place: () => Place;
  /** The assessment's rule applied again to its recorded inputs. */
  again: () => Reassessment;
  /** The witness, its state proven by its own header. */
  open: () => OpenWitness;
  /** What the logs brought as evidence show. */
  logs: () => LogFinding;
  /** Whether the block is another than the trusted one, so that nothing is worth running over its state. */
  isElsewhere: () => boolean;
  /** What the protocol's views give as inputs over that state; throws where the block is another than the trusted one. */
  run: () => Promise<VerifiedRun<InputsOf>>;
};

type Means = Pick<Context, "trust" | "verifiers" | "quorum">;

/** Reads what is to be checked. @throws InputError for what is neither a bundle nor a figure proof. */
export function contextOf(json: Json, means: Means): Context {
  const isFigure = typeof json === "object" && json !== null && "version" in json && json.version === FIGURE_VERSION;
  if (isFigure) {
    const { figure, rulebook, deployment, witness } = readFigureProof(json);
    return lazy({ ...means, claim: figure, sealed: null, rulebook, deployment, evidence: { kind: "calls", witness } });
  }
  const sealed = readBundle(json);
  const { rulebook, deployment, assessment, evidence } = sealed.bundle;
  return lazy({ ...means, claim: assessment.body, sealed, rulebook, deployment, evidence });
}

function lazy(given: Omit<Context, "rule" | "place" | "again" | "open" | "logs" | "isElsewhere" | "run">): Context {
  const { claim, sealed, rulebook, deployment, evidence, trust } = given;
  const context: Context = {
    ...given,
    rule: once(() => {
      if (rulebook === null || claim.ruleId === null) return null;
      return ruleAt(disclosedRulebook(rulebook), claim.ruleId, dayOf(BigInt(claim.blockTimestamp)));
    }),
    place: once(() => placeIn(deployment, claim)),
    again: once(() => {
      if (sealed === null) throw new TypeError("A figure on its own is no assessment.");
      return trust.reassess(rulebook, sealed.bundle.assessment.body);
    }),
    open: once(() => {
      if (evidence?.kind !== "calls") throw new TypeError("There is no witness.");
      return openWitness(evidence.witness);
    }),
    logs: once(() => logsIn(context)),
    isElsewhere: once(() => checkBlock(context).ok === false),
    run: once(async () => {
      if (context.isElsewhere()) throw new InputError("The block is not the trusted one.");
      return await runViews(context);
    }),
  };
  return context;
}

function logsIn({ claim, evidence, trust, place }: Context): LogFinding {
  const { chain, protocol } = place();
  if (evidence?.kind !== "logs") throw new TypeError("There are no logs.");
  if (protocol === null) throw new InputError(`${claim.protocol} is a chain, and no log is one of a chain.`);
  const proven = provenLogs(evidence, { chainId: chain.chainId, blockHash: claim.blockHash });
  return checkLogs(claim, { proven, ground: { chain, protocol, adapter: trust.adapterOf(protocol.protocol) } });
}

/** The value of a function that is called at most once, or what it threw. */
function once<T>(work: () => T): () => T {
  let done: { value: T } | { error: unknown } | undefined;
  return () => {
    if (done === undefined) {
      try {
        done = { value: work() };
      } catch (error) {
        done = { error };
      }
    }
    if ("error" in done) throw done.error;
    return done.value;
  };
}
