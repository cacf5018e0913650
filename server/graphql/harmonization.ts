import { GraphQLError } from "graphql";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import { commonCoreOf } from "../../src/core/harmonization/common-core.ts";
import { listRules } from "../../src/core/harmonization/listing.ts";
import { PROTECTED_CLASS, rolesFor } from "../../src/core/harmonization/roles.ts";
import { isDay } from "../../src/core/rules/day.ts";
import type { Rulebook } from "../../src/core/rules/rule.ts";
import type { IndexerClient } from "../feed/client.ts";
import { createTurnstile, type Room } from "./turnstile.ts";

/** What comparing regimes needs: the rulebook, the indexer for what is measured, and today. */
export type HarmonizationParts = { rulebook: Rulebook; indexer: IndexerClient; today(): string };

type Arguments = Readonly<Record<string, unknown>>;

/** Names in one list, at most, and letters in one name: far more than any rulebook has. */
const NAMES_LIMIT = 100;
const NAME_LETTERS = 300;
/** Comparisons the indexer makes at once: the process that makes them also folds blocks. */
const ROOM: Room = { running: 4, waiting: 60 };

/**
 * Resolvers of the fields in `HARMONIZATION_TYPES`. They use no facts: what they answer is supposition over public
 * figures, and so the same for every role.
 */
export function harmonizationResolvers({ rulebook, indexer, today }: HarmonizationParts) {
  const inTurn = createTurnstile(ROOM);
  const asked = (path: string) => async (_: unknown, args: Arguments) => {
    checkArguments(args);
    return answerOf(await inTurn(() => indexer.harmonization(path, queryOf(args))));
  };
  return {
    matrix: asked("matrix"),
    divergence: asked("divergence"),
    classification: asked("classification"),
    regulatoryMargin: asked("margin"),
    commonCore: (_: unknown, args: Arguments) => refusing(() => commonCore(rulebook, { args, today })),
    rules: (_: unknown, args: Arguments) =>
      refusing(() => {
        checkArguments(args);
        return listRules(rulebook, withoutNulls(args));
      }),
  };
}

function commonCore(rulebook: Rulebook, { args, today }: { args: Arguments; today(): string }) {
  checkArguments(args);
  const { jurisdictions, clientClass, entityClass, date } = withoutNulls(args) as {
    jurisdictions?: string[];
    clientClass?: string;
    entityClass?: string;
    date?: string;
  };
  if (clientClass !== undefined && entityClass !== undefined) {
    throw new InputError("A common core is of one clientClass or one entityClass; both were given.");
  }
  const all = rolesFor(rulebook, {
    jurisdictions,
    clientClasses: [clientClass ?? PROTECTED_CLASS],
    entityClasses: entityClass === undefined ? [] : [entityClass],
  });
  const roles = all.filter((role) => (entityClass === undefined) === (role.entityClass === null));
  const day = date ?? today();
  const named = roles.map(({ jurisdiction, clientClass, entityClass }) => ({ jurisdiction, clientClass, entityClass }));
  return { date: day, rulebookHash: rulebook.hash, roles: named, ...commonCoreOf(rulebook, { roles, day }) };
}

/** The indexer's answer. Its refusals are sentences for the asker; anything else is a fault of ours. */
function answerOf({ status, body }: { status: number; body: unknown }): unknown {
  const { error } = (body ?? {}) as { error?: unknown };
  if ((status === 400 || status === 404) && typeof error === "string") throw new GraphQLError(error);
  if (status !== 200) throw new ProviderError(`The indexer does not compare regimes (HTTP ${status}).`);
  return body;
}

/** Runs `work`; a wrong input is the asker's to read. */
function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof InputError) throw new GraphQLError(error.message);
    throw error;
  }
}

/** @throws GraphQLError naming the argument and what was expected. */
function checkArguments(args: Arguments): void {
  for (const [name, value] of Object.entries(args)) {
    const texts = Array.isArray(value) ? value : value === null || value === undefined ? [] : [value];
    if (texts.length > NAMES_LIMIT) throw new GraphQLError(`${name} names more than ${NAMES_LIMIT} things.`);
    if (texts.some((text) => typeof text !== "string" || text === "" || text.length > NAME_LETTERS)) {
      throw new GraphQLError(`${name} is expected to hold names of 1 to ${NAME_LETTERS} letters.`);
    }
  }
  const { date } = args;
  if (typeof date === "string" && !isDay(date)) {
    throw new GraphQLError(`The date is "${date.slice(0, 20)}"; expected a UTC day like 2026-04-02.`);
  }
}

function withoutNulls(args: Arguments): Record<string, never> {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null)) as Record<string, never>;
}

function queryOf(args: Arguments): [string, string][] {
  return Object.entries(args).flatMap(([name, value]): [string, string][] => {
    if (value === null || value === undefined) return [];
    return Array.isArray(value) ? value.map((item): [string, string] => [name, String(item)]) : [[name, String(value)]];
  });
}
