import { GraphQLError, type GraphQLSchema } from "graphql";
import { createYoga, type Plugin } from "graphql-yoga";
import type { Role } from "../auth/roles.ts";
import type { Gateway } from "../graphql/gateway.ts";
import { countItems, GRAPHQL_LIMITS, limitRule } from "../graphql/limits.ts";
import { type App, sentence } from "./app.ts";

type GraphqlContext = { role: Role; schema: GraphQLSchema };

/** Adds `/graphql`: questions by POST as JSON, answered in the schema of who asks. */
export function addGraphql(app: App, gateway: Gateway, onError: (error: unknown, path: string) => void): void {
  const limits: Plugin = { onValidate: ({ addValidationRule }) => addValidationRule(limitRule) };
  const yoga = createYoga<GraphqlContext>({
    graphqlEndpoint: "/graphql",
    schema: ({ schema }) => schema,
    graphiql: false,
    landingPage: false,
    batching: false,
    cors: false,
    logging: false,
    plugins: [limits],
    maskedErrors: { maskError: (error) => publicError(error, (fault) => onError(fault, "/graphql")) },
  });

  app.post("/graphql", async (context) => {
    if (!/^application\/json\b/i.test(context.req.header("content-type") ?? "")) {
      return sentence(context, 415, "A question to /graphql is sent by POST as application/json.");
    }
    const text = await context.req.text();
    const body = parseBody(text);
    if (body === null) return sentence(context, 400, "A question is a JSON object with the text of a query.");
    if (countItems(body.variables) > GRAPHQL_LIMITS.listItems) {
      return sentence(context, 400, `The variables hold more than ${GRAPHQL_LIMITS.listItems} items.`);
    }
    const role = context.get("role");
    const schema = gateway.schemaOf(role);
    if (schema === null) {
      return sentence(
        context,
        503,
        "The indexer does not answer yet, so there is no schema to ask in; try again soon.",
      );
    }
    const request = new Request(context.req.url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: text,
    });
    const answer = await yoga.fetch(request, { role, schema });
    return new Response(answer.body, { status: answer.status, headers: { "content-type": "application/json" } });
  });
}

/** One question; a list of several is none. */
function parseBody(text: string): { query: unknown; variables?: unknown } | null {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || body === null || !("query" in body)) return null;
    return typeof body.query === "string" ? body : null;
  } catch {
    return null;
  }
}

/** Keeps what a fault says about the inside (addresses, paths, SQL) out of answers; refusals of the question pass. */
function publicError(error: unknown, report: (fault: unknown) => void): Error {
  if (error instanceof GraphQLError) {
    const cause = error.originalError;
    const refusal = cause === undefined || cause === null || cause instanceof GraphQLError;
    const fault = error.extensions.code === "INTERNAL_SERVER_ERROR" || error.extensions.request !== undefined;
    if (refusal && !fault && !/https?:\/\/|\/(?:[\w.-]+\/)+|ECONN|fetch failed/i.test(error.message)) {
      return new GraphQLError(error.message, {
        ...(error.nodes ? { nodes: error.nodes } : {}),
        ...(error.path ? { path: error.path } : {}),
      });
    }
  }
  report(error);
  const path = error instanceof GraphQLError ? error.path : undefined;
  return new GraphQLError("This part of the question could not be answered; try again.", path ? { path } : {});
}
