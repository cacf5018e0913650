import { GraphQLError } from "graphql";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import { WorkerLost } from "../witnesses/capture-worker.ts";
import type { Coverage } from "../witnesses/coverage.ts";
import { publicText } from "../witnesses/faults.ts";
import type { EvidenceRow } from "../witnesses/keeper.ts";
import type { ProofRequest, Prover } from "../witnesses/prover.ts";

/** What GraphQL tells of how far things can be checked. */
export const ASSURANCE_TYPES = `
  "How many stand at a level, and their share of all as a decimal."
  type assuranceShare { count: Int! share: String! }
  "By level: attested by this operator's signature; authentic, its logs proven; proven, by the protocol's own views over proven state."
  type assuranceShares { attested: assuranceShare! authentic: assuranceShare! proven: assuranceShare! }
  "Why evidence is missing: a word, how often, and the last sentence said about it."
  type missingEvidence { fault: String! count: Int! latest: String! }
  type captureCounts { waiting: Int! kept: Int! failed: Int! reasons: [missingEvidence!]! }
  "figures are the last assessment of each subject and rule, sealed or not; sealed are entries of the log."
  type assuranceCoverage { figures: assuranceShares! sealed: assuranceShares! capture: captureCounts! }

  "Evidence that is wanted for an assessment, has been kept or could not be had; reason is a sentence, fault a word."
  type evidenceState { level: String! state: String! fault: String reason: String bytes: Int }

  "A figure with the file that proves it; plumbline verify reads the bundle."
  type provenFigure {
    chain: String! protocol: String! subject: String! metric: String! ruleId: String
    blockNumber: String! blockHash: String!
    measured: String decimals: String! unit: String! reason: String
    bundle: String!
  }

  extend type VerdictsSelectItem { evidence: evidenceState }
  extend type Query {
    "What share of figures and of sealed entries can be checked, and how far."
    assurance: assuranceCoverage!
    "Proves a metric of an account (CAIP-10) or position at the end of a block the node still has the state of; the last one followed unless named. A rule brings its rates; a protocol is named where the account's chain has several."
    prove(subject: String!, metric: String!, block: String, rule: String, protocol: String): provenFigure!
  }`;

/** Where the answers come from. */
export type AssuranceParts = {
  coverage(): Coverage;
  evidenceOf(assessmentId: string): EvidenceRow | undefined;
  prover: Prover;
};

type Arguments = Readonly<Record<string, string | null | undefined>>;

/**
 * Resolvers of the fields in `ASSURANCE_TYPES`. All of it follows from the chain and is public.
 * @param asker the role that asks, by name: each has proofs of its own to ask for.
 */
export function assuranceResolvers({ coverage, evidenceOf, prover }: AssuranceParts, asker: string) {
  const stateOf = (id: string) => evidenceOf(id) ?? null;
  return {
    Query: {
      assurance: () => coverage(),
      prove: async (_: unknown, args: Arguments) => {
        try {
          const { figure, bundle } = await prover.prove(requestOf(args), asker);
          return { ...figure, bundle };
        } catch (error) {
          const isSentence = [InputError, ProviderError, WorkerLost].some((kind) => error instanceof kind);
          if (isSentence) throw new GraphQLError(publicText((error as Error).message));
          throw error;
        }
      },
    },
    verdictEvidence: {
      selectionSet: "{ assessmentId }",
      resolve: ({ assessmentId }: { assessmentId: string }) => stateOf(assessmentId),
    },
    assessmentEvidence: { selectionSet: "{ id }", resolve: ({ id }: { id: string }) => stateOf(id) },
  };
}

/** Letters in one name: far more than any id has. */
const NAME_LETTERS = 300;

function requestOf(args: Arguments): ProofRequest {
  const given = Object.entries(args).filter(([, value]) => value !== null && value !== undefined);
  const long = given.find(([, value]) => value === "" || (value as string).length > NAME_LETTERS);
  if (long !== undefined) throw new InputError(`${long[0]} is expected to be a name of 1 to ${NAME_LETTERS} letters.`);
  return Object.fromEntries(given) as unknown as ProofRequest;
}
