import { db } from "ponder:api";
import schema from "ponder:schema";
import { Hono, type HonoRequest } from "hono";
import { graphql } from "ponder";
import { InputError } from "../core/errors.ts";
import { PROTECTED_CLASS } from "../core/harmonization/roles.ts";
import { chainIdOf } from "../core/ids.ts";
import { currentFigures } from "./current.ts";
import { epochLeavesPage } from "./epoch-leaves.ts";
import { explainFigure } from "./explain.ts";
import { feedPage } from "./feed.ts";
import { classificationNow, divergenceNow, matrixNow, regulatoryMarginNow } from "./harmonization.ts";
import { publishedHeads } from "./heads.ts";
import { historyPage } from "./history.ts";
import { hashAt } from "./page.ts";

/** Blocks on one page of the feed or the history, at most. */
const PAGE_LIMIT = 500;
/** Leaves of an epoch on one page, at most. */
const LEAVES_LIMIT = 5_000;
/** Ids in one request for current figures, at most. */
const IDS_LIMIT = 2_000;
/** Published heads in one answer, at most. */
const HEADS_LIMIT = 100;
/** Deep enough for the introspection the server stitches from; what the public may ask is the server's to limit. */
const OPERATION_LIMITS = { maxOperationTokens: 4_000, maxOperationDepth: 24, maxOperationAliases: 60 };

/**
 * What the indexer serves on loopback, to the server alone: generated GraphQL, the feed of whole blocks, and figures
 * computed on read from the books in memory.
 */
const app = new Hono();

app.onError((error, context) => {
  if (error instanceof InputError) return context.json({ error: error.message }, 400);
  console.error(error);
  return context.json({ error: "The indexer could not answer." }, 500);
});

app.use("/graphql", graphql({ db, schema }, OPERATION_LIMITS));

app.get("/feed", async (context) => {
  const after = integer(context.req.query("after") ?? "-1", "after");
  const limit = integer(context.req.query("limit") ?? "200", "limit");
  if (limit < 1n || limit > BigInt(PAGE_LIMIT)) throw new InputError(`limit is ${limit}; expected 1 to ${PAGE_LIMIT}.`);
  const chainId = chainIdOf(context.req.query("chain") ?? "");
  return context.json(await feedPage(db, { chainId, after, limit: Number(limit) }));
});

app.get("/feed/block", async (context) => {
  const chainId = chainIdOf(context.req.query("chain") ?? "");
  const number = integer(context.req.query("number") ?? "", "number");
  const hash = await hashAt(db, { chainId, number });
  return hash === null
    ? context.json({ error: `Block ${number} of chain ${chainId} is not indexed.` }, 404)
    : context.json({ hash });
});

app.get("/epoch/leaves", async (context) => {
  const { chain = "", tree = "", after = "" } = context.req.query();
  if (tree !== "state" && tree !== "assessment" && tree !== "collateral") {
    throw new InputError(`tree is "${tree}"; expected state, assessment or collateral.`);
  }
  const number = integer(context.req.query("number") ?? "", "number");
  const limit = integer(context.req.query("limit") ?? `${LEAVES_LIMIT}`, "limit");
  if (limit < 1n || limit > BigInt(LEAVES_LIMIT)) {
    throw new InputError(`limit is ${limit}; expected 1 to ${LEAVES_LIMIT}.`);
  }
  const of = { chainId: chainIdOf(chain), number, tree, after, limit: Number(limit) } as const;
  const page = await epochLeavesPage(db, of);
  return page === null
    ? context.json({ error: `Epoch ${number} of ${chain} is not indexed.` }, 404)
    : context.json(page);
});

app.get("/history", async (context) => {
  const after = integer(context.req.query("after") ?? "-1", "after");
  const limit = integer(context.req.query("limit") ?? "200", "limit");
  if (limit < 1n || limit > BigInt(PAGE_LIMIT)) throw new InputError(`limit is ${limit}; expected 1 to ${PAGE_LIMIT}.`);
  const chainId = chainIdOf(context.req.query("chain") ?? "");
  return context.json(await historyPage(db, { chainId, after, limit: Number(limit) }));
});

app.get("/heads", async (context) => {
  const { after = "", to = "" } = context.req.query();
  if (!/^([0-9-]{1,40})?$/.test(after)) throw new InputError(`after is "${after}"; expected the id of an event.`);
  const chainId = chainIdOf(context.req.query("chain") ?? "");
  return context.json(await publishedHeads(db, { chainId, after, to: integer(to, "to"), limit: HEADS_LIMIT }));
});

app.post("/current", async (context) => {
  const body = (await context.req.json().catch(() => null)) as { positions?: unknown; accounts?: unknown } | null;
  const [positions, accounts] = [ids(body?.positions), ids(body?.accounts)];
  return context.json(await currentFigures({ positions, accounts }));
});

app.get("/explain", async (context) => {
  const { subject = "", metric = "", rule = null } = context.req.query();
  return context.json(await explainFigure(db, { subject, metric, rule }));
});

app.get("/harmonization/matrix", async (context) => {
  const { subject = "", date } = context.req.query();
  return context.json(await matrixNow(subject, { date, ...roleQuery(context.req) }));
});

app.get("/harmonization/divergence", async (context) => {
  const { clientClass = PROTECTED_CLASS, date } = context.req.query();
  const { jurisdictions } = roleQuery(context.req);
  return context.json(await divergenceNow({ jurisdictions, clientClass, date }));
});

app.get("/harmonization/classification", async (context) => {
  const { market = "", date } = context.req.query();
  return context.json(await classificationNow(market, { date, ...roleQuery(context.req) }));
});

app.get("/harmonization/margin", async (context) => {
  const { subject = "", date } = context.req.query();
  return context.json(await regulatoryMarginNow(subject, { date }));
});

function roleQuery(request: HonoRequest) {
  return {
    jurisdictions: request.queries("jurisdictions"),
    clientClasses: request.queries("clientClasses"),
    entityClasses: request.queries("entityClasses"),
  };
}

function integer(text: string, name: string): bigint {
  if (!/^-?\d{1,18}$/.test(text)) throw new InputError(`${name} is "${text}"; expected an integer.`);
  return BigInt(text);
}

function ids(value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > IDS_LIMIT || !value.every((id) => typeof id === "string")) {
    throw new InputError(`Expected a list of at most ${IDS_LIMIT} ids.`);
  }
  return value;
}

export default app;
