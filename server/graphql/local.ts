import type Database from "better-sqlite3";
import { buildSchema } from "drizzle-graphql";
import { drizzle } from "drizzle-orm/better-sqlite3";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { GraphQLError, type GraphQLFieldConfig, GraphQLInt, GraphQLObjectType, GraphQLSchema } from "graphql";
import type { Role } from "../auth/roles.ts";
import { decimalText } from "./columns.ts";

/** The server's own part of the GraphQL, as one role may see it. */
export type LocalSchema = {
  schema: GraphQLSchema;
  /** Verdicts on an assessment that the role may see, as rows of the `verdicts` list. */
  verdictsOf(assessmentId: string): Record<string, unknown>[];
  /** Where a sealed thing stands in the log; a verdict without a leaf of its own stands with its assessment. */
  proofOf(refIds: readonly string[]): { index: number; leafHash: string; assurance: string } | null;
};

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1_000;
const OFFSET_MAX = 1_000_000;

/** Order of each list when the question names none. */
const ORDER: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  verdicts: {
    blockNumber: { direction: "asc", priority: 3 },
    chain: { direction: "asc", priority: 2 },
    ordinal: { direction: "asc", priority: 1 },
  },
  breaches: { openedAtBlock: { direction: "asc", priority: 2 }, id: { direction: "asc", priority: 1 } },
  ledgerEntries: { index: { direction: "asc", priority: 1 } },
  epochs: { chain: { direction: "asc", priority: 2 }, number: { direction: "asc", priority: 1 } },
};

/**
 * Generates the schema over SQL views that hold only what the role may see, so that filters, counts, orders and joins
 * can tell nothing about the rest.
 * @param read a connection that cannot write; the views are temporary and its own.
 * @param viewSuffix distinguishes this role's views on the connection; letters and digits.
 */
export function createLocalSchema(read: Database.Database, role: Role, viewSuffix: string): LocalSchema {
  const verdictsView = `verdicts_${viewSuffix}`;
  const breachesView = `breaches_${viewSuffix}`;
  read.exec(`
    CREATE TEMP VIEW ${verdictsView} AS SELECT * FROM verdict WHERE ${visible(role)};
    CREATE TEMP VIEW ${breachesView} AS SELECT * FROM breach WHERE ${visible(role)};`);
  const { entities } = buildSchema(drizzle(read, { schema: tables(verdictsView, breachesView) }), { mutations: false });
  const fields = Object.entries(entities.queries).map(([name, field]) => [
    name,
    bounded(name, field as unknown as GraphQLFieldConfig<unknown, unknown>),
  ]);
  const schema = new GraphQLSchema({
    query: new GraphQLObjectType({ name: "Query", fields: Object.fromEntries(fields) }),
  });
  const verdicts = read.prepare(
    `SELECT id, assessment_id AS assessmentId, chain, protocol, CAST(block_number AS TEXT) AS blockNumber,
      block_hash AS blockHash, ordinal, subject, rule_id AS ruleId, jurisdiction, profile, outcome, missing, lane
     FROM ${verdictsView} WHERE assessment_id = ?`,
  );
  const proof = read.prepare("SELECT idx AS 'index', hash AS leafHash, assurance FROM ledger_entry WHERE ref_id = ?");
  return {
    schema,
    verdictsOf: (assessmentId) => verdicts.all(assessmentId) as Record<string, unknown>[],
    proofOf(refIds) {
      for (const id of refIds) {
        const row = proof.get(id);
        if (row !== undefined) return row as { index: number; leafHash: string; assurance: string };
      }
      return null;
    },
  };
}

/** The condition of the rows a role may see. Scopes are checked codes (`auth/roles.ts`), so quoting them is enough. */
function visible(role: Role): string {
  if (role.name === "public") return "needs_facts = 0";
  if (role.scope === "*") return "1";
  return `(needs_facts = 0 OR jurisdiction IN (${role.scope.map((code) => `'${code}'`).join(", ")}))`;
}

function tables(verdictsView: string, breachesView: string) {
  return {
    verdicts: sqliteTable(verdictsView, {
      id: text().notNull(),
      assessmentId: text("assessment_id").notNull(),
      chain: text().notNull(),
      protocol: text().notNull(),
      blockNumber: decimalText("block_number").notNull(),
      blockHash: text("block_hash").notNull(),
      ordinal: integer().notNull(),
      subject: text().notNull(),
      ruleId: text("rule_id").notNull(),
      jurisdiction: text().notNull(),
      profile: text().notNull(),
      outcome: text().notNull(),
      missing: text().notNull(),
      lane: text().notNull(),
    }),
    breaches: sqliteTable(breachesView, {
      id: text().notNull(),
      chain: text().notNull(),
      protocol: text().notNull(),
      subject: text().notNull(),
      ruleId: text("rule_id").notNull(),
      jurisdiction: text().notNull(),
      openedAtBlock: decimalText("opened_at_block").notNull(),
      openedBlockHash: text("opened_block_hash").notNull(),
      openedByAssessment: text("opened_by_assessment").notNull(),
      curedAtBlock: decimalText("cured_at_block"),
      curedBlockHash: text("cured_block_hash"),
      curedByAssessment: text("cured_by_assessment"),
      status: text().notNull(),
      lane: text().notNull(),
    }),
    ledgerEntries: sqliteTable("ledger_entry", {
      index: integer("idx").notNull(),
      leafHash: text("hash").notNull(),
      kind: text().notNull(),
      refId: text("ref_id").notNull(),
      chain: text(),
      blockNumber: decimalText("block_number"),
      blockHash: text("block_hash"),
      subject: text(),
      ruleId: text("rule_id"),
      outcome: text(),
      assurance: text().notNull(),
    }),
    epochs: sqliteTable("epoch", {
      chain: text().notNull(),
      number: decimalText("number").notNull(),
      fromBlock: decimalText("from_block").notNull(),
      toBlock: decimalText("to_block").notNull(),
      blockHash: text("block_hash").notNull(),
      stateRoot: text("state_root").notNull(),
      stateCount: decimalText("state_count").notNull(),
      assessmentRoot: text("assessment_root").notNull(),
      assessmentCount: decimalText("assessment_count").notNull(),
      collateralRoot: text("collateral_root"),
      collateralCount: decimalText("collateral_count"),
      rulebookHash: text("rulebook_hash").notNull(),
      deploymentHash: text("deployment_hash").notNull(),
      kernel: text().notNull(),
      leafIndex: integer("leaf_index").notNull(),
    }),
  };
}

/** Puts a limit and an order on a generated list, and keeps the database's own words out of its errors. */
function bounded(name: string, field: GraphQLFieldConfig<unknown, unknown>): GraphQLFieldConfig<unknown, unknown> {
  const isList = !name.endsWith("Single");
  const { resolve } = field;
  return {
    ...field,
    args: isList ? { ...field.args, limit: { type: GraphQLInt, defaultValue: LIMIT_DEFAULT } } : (field.args ?? {}),
    async resolve(source, args, context, info) {
      const limit = isList ? limitOf(name, args.limit) : undefined;
      if (typeof args.offset === "number" && (args.offset < 0 || args.offset > OFFSET_MAX)) {
        throw new GraphQLError(`The offset of "${name}" must be between 0 and ${OFFSET_MAX}.`);
      }
      const orderBy = args.orderBy ?? (isList ? ORDER[name] : undefined);
      try {
        return await resolve?.(source, { ...args, limit, orderBy }, context, info);
      } catch {
        throw new GraphQLError(`The list "${name}" cannot be filtered or ordered like this.`);
      }
    },
  };
}

function limitOf(name: string, limit: unknown): number {
  if (limit === undefined || limit === null) return LIMIT_DEFAULT;
  if (typeof limit !== "number" || limit < 0 || limit > LIMIT_MAX) {
    throw new GraphQLError(`The limit of "${name}" must be between 0 and ${LIMIT_MAX}.`);
  }
  return limit;
}
