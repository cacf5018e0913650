import { batchDelegateToSchema } from "@graphql-tools/batch-delegate";
import type { SubschemaConfig } from "@graphql-tools/delegate";
import { buildHTTPExecutor } from "@graphql-tools/executor-http";
import { stitchSchemas } from "@graphql-tools/stitch";
import type { IResolvers } from "@graphql-tools/utils";
import { schemaFromExecutor, WrapQuery } from "@graphql-tools/wrap";
import {
  buildSchema,
  type FieldNode,
  GraphQLList,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isObjectType,
  Kind,
  printSchema,
  type SelectionSetNode,
} from "graphql";
import { verdictId } from "../../src/core/proof/ids.ts";
import type { Rulebook } from "../../src/core/rules/rule.ts";
import { type Role, roleKey } from "../auth/roles.ts";
import type { IndexerClient } from "../feed/client.ts";
import { question } from "../feed/question.ts";
import { ASSURANCE_TYPES, type AssuranceParts, assuranceResolvers } from "./assurance.ts";
import { ACCOUNT_CURRENT, currentLoader, POSITION_CURRENT } from "./current.ts";
import { harmonizationResolvers } from "./harmonization.ts";
import { HARMONIZATION_TYPES } from "./harmonization-types.ts";
import type { LocalSchema } from "./local.ts";

type AsyncExecutor = Extract<Parameters<typeof schemaFromExecutor>[0], (request: never) => Promise<unknown>>;

/** The stitched GraphQL: the indexer's tables and the server's, joined by id, as each role may see them. */
export type Gateway = {
  /** Fetches the indexer's schema. @throws when the indexer does not answer. Returns the schema's text. */
  connect(): Promise<string>;
  /** Uses a schema fetched at an earlier start, so that the server's own lists answer while the indexer is away. */
  restore(sdl: string): void;
  /** The schema of a role, or `null` while the indexer's is not known. */
  schemaOf(role: Role): GraphQLSchema | null;
};

/** What the gateway stitches. `local` makes the server's part for a role. */
export type GatewayParts = {
  indexer: IndexerClient;
  local(role: Role): LocalSchema;
  rulebook: Rulebook;
  /** The UTC day it is, for questions about rules that name none. */
  today(): string;
  assurance: AssuranceParts;
};

const JOINS: Readonly<Record<string, string>> = {
  assessment: `extend type assessment { verdicts: [VerdictsSelectItem!]! proof: logPlace evidence: evidenceState }`,
  position: `extend type position { current: positionCurrent }`,
  account: `extend type account { current: accountCurrent }`,
};

const SHARED = `
  "Where something stands in the log."
  type logPlace { index: Int! leafHash: String! assurance: String! }
  "Block number, block hash and timestamp a figure was computed at."
  scalar AsOf
  ${POSITION_CURRENT}
  ${ACCOUNT_CURRENT}
  ${HARMONIZATION_TYPES}
  ${ASSURANCE_TYPES}`;

/** A gateway without a schema yet. */
export function createGateway({ indexer, local, rulebook, today, assurance }: GatewayParts): Gateway {
  // The packages bring their own copies of these types, which differ in what the executor does not use.
  const executor = buildHTTPExecutor({
    endpoint: `${indexer.url}/graphql`,
    timeout: 20_000,
    fetch: question,
  }) as unknown as AsyncExecutor;
  const harmonization = harmonizationResolvers({ rulebook, indexer, today });
  const stitched = new Map<string, GraphQLSchema>();
  const locals = new Map<string, LocalSchema>();
  let remote: GraphQLSchema | null = null;

  function use(schema: GraphQLSchema): void {
    remote = schema;
    stitched.clear();
  }

  return {
    async connect() {
      const schema = await schemaFromExecutor(executor);
      use(schema);
      return printSchema(schema);
    },
    restore: (sdl) => use(buildSchema(sdl)),
    schemaOf(role) {
      if (remote === null) return null;
      const key = roleKey(role);
      const known = stitched.get(key);
      if (known !== undefined) return known;
      const own = locals.get(key) ?? local(role);
      locals.set(key, own);
      const evidence = assuranceResolvers(assurance, key);
      const Query = { ...harmonization, ...evidence.Query };
      const schema = stitch({ schema: remote, executor }, { local: own, indexer, evidence, Query });
      stitched.set(key, schema);
      return schema;
    },
  };
}

type Own = {
  local: LocalSchema;
  indexer: IndexerClient;
  evidence: ReturnType<typeof assuranceResolvers>;
  Query: IResolvers[string];
};

function stitch(remote: SubschemaConfig, { local, indexer, evidence, Query }: Own): GraphQLSchema {
  const has = (type: string) => isObjectType(remote.schema.getType(type));
  const typeDefs = [
    SHARED,
    ...Object.keys(JOINS)
      .filter(has)
      .map((type) => JOINS[type] as string),
  ];
  const resolvers: IResolvers = {
    VerdictsSelectItem: { ...verdictJoins(local), evidence: evidence.verdictEvidence },
    Query,
  } as IResolvers;
  typeDefs.push("extend type VerdictsSelectItem { proof: logPlace }");
  if (has("assessment")) {
    typeDefs.push("extend type VerdictsSelectItem { assessment: assessment }");
    Object.assign(resolvers.VerdictsSelectItem as object, { assessment: assessmentJoin(remote) });
    resolvers.assessment = {
      verdicts: { selectionSet: "{ id }", resolve: ({ id }: { id: string }) => local.verdictsOf(id) },
      proof: { selectionSet: "{ id }", resolve: ({ id }: { id: string }) => local.proofOf([id]) },
      evidence: evidence.assessmentEvidence,
    };
  }
  const current = currentLoader(indexer);
  if (has("position")) {
    const resolve = ({ id }: { id: string }, _args: unknown, context: object) => current("positions", id, context);
    resolvers.position = { current: { selectionSet: "{ id }", resolve } };
  }
  if (has("account")) {
    const resolve = ({ id }: { id: string }, _args: unknown, context: object) => current("accounts", id, context);
    resolvers.account = { current: { selectionSet: "{ id }", resolve } };
  }
  return stitchSchemas({ subschemas: [remote, { schema: local.schema }], typeDefs, resolvers });
}

function verdictJoins(local: LocalSchema) {
  return {
    proof: {
      selectionSet: "{ assessmentId }",
      resolve: ({ assessmentId }: { assessmentId: string }) => local.proofOf([verdictId(assessmentId), assessmentId]),
    },
  };
}

/** `verdict.assessment`: one question to the indexer for all verdicts of an answer. */
function assessmentJoin(remote: SubschemaConfig) {
  return {
    selectionSet: "{ assessmentId }",
    resolve: ({ assessmentId }: { assessmentId: string }, _args: unknown, context: object, info: GraphQLResolveInfo) =>
      batchDelegateToSchema({
        schema: remote,
        fieldName: "assessments",
        key: assessmentId,
        argsFromKeys: (ids) => ({ where: { id_in: ids }, limit: ids.length }),
        returnType: new GraphQLList(info.schema.getType("assessment") as never),
        transforms: [new WrapQuery(["assessments"], intoItems, (page) => page?.items ?? null)],
        valuesFromResults: (results, ids) => {
          const byId = new Map(results.map((item: { id: string }) => [item.id, item]));
          return ids.map((id) => byId.get(id as string) ?? null);
        },
        context,
        info,
      }),
  };
}

/** The selection on an assessment as the selection on a page of them; the id is needed to tell them apart. */
function intoItems(selectionSet: SelectionSetNode): FieldNode {
  const id: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: "id" } };
  return {
    kind: Kind.FIELD,
    name: { kind: Kind.NAME, value: "items" },
    selectionSet: { kind: Kind.SELECTION_SET, selections: [id, ...selectionSet.selections] },
  };
}
