import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { secureHeaders } from "hono/secure-headers";
import { type RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import type { Role } from "../auth/roles.ts";
import { GRAPHQL_LIMITS } from "../graphql/limits.ts";

/** What every handler knows of a request: who asks. */
export type AppEnv = { Bindings: { incoming?: { socket: { remoteAddress?: string } } }; Variables: { role: Role } };

export type App = Hono<AppEnv>;

/** What the frame around the routes needs. */
export type AppParts = {
  roleOf(header: string | null | undefined): Role | null;
  /** Questions a client may ask in a while, and keys it may get wrong. */
  limiters: { requests: RateLimiterMemory; wrongKeys: RateLimiterMemory };
  onError(error: unknown, path: string): void;
};

/** Everything is of this origin; nothing is loaded from elsewhere, so pages work without a network. */
const CONTENT_SECURITY = {
  defaultSrc: ["'self'"],
  // The GraphQL editor sets style attributes on its lines; no style can run code here.
  styleSrc: ["'self'", "'unsafe-inline'"],
  imgSrc: ["'self'", "data:"],
  fontSrc: ["'self'", "data:"],
  objectSrc: ["'none'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
};

/** One sentence as an answer. */
export function sentence(
  context: Context,
  status: 400 | 401 | 404 | 413 | 415 | 429 | 500 | 502 | 503,
  text: string,
): Response {
  return context.json({ error: text }, status);
}

/** An app with the frame every route shares: headers, limits, the role of who asks, and errors as one sentence. */
export function createApp(parts: AppParts): App {
  const app: App = new Hono<AppEnv>();
  app.use(secureHeaders({ contentSecurityPolicy: CONTENT_SECURITY, referrerPolicy: "no-referrer" }));
  app.use(limitRequests(parts.limiters.requests));
  app.use(
    bodyLimit({
      maxSize: GRAPHQL_LIMITS.bodyBytes,
      onError: (context) => sentence(context, 413, `A request body has at most ${GRAPHQL_LIMITS.bodyBytes} bytes.`),
    }),
  );
  app.use(authenticate(parts));
  app.notFound((context) => sentence(context, 404, "There is nothing at this address."));
  app.onError((error, context) => {
    if (error instanceof InputError) return sentence(context, 400, error.message);
    parts.onError(error, context.req.path);
    if (error instanceof ProviderError)
      return sentence(context, 502, "A part of the system does not answer; try again.");
    return sentence(context, 500, "This could not be answered because of a fault in the server.");
  });
  return app;
}

function clientOf(context: Context<AppEnv>): string {
  return context.env?.incoming?.socket.remoteAddress ?? "unknown";
}

function limitRequests(limiter: RateLimiterMemory): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    try {
      await limiter.consume(clientOf(context));
    } catch (rejected) {
      if (!(rejected instanceof RateLimiterRes)) throw rejected;
      context.header("Retry-After", String(Math.ceil(rejected.msBeforeNext / 1000)));
      return sentence(context, 429, "Too many requests; try again later.");
    }
    await next();
  };
}

/** Without a key the public asks. A wrong key is refused everywhere in the same words, and only so often. */
function authenticate({ roleOf, limiters }: AppParts): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const role = roleOf(context.req.header("authorization"));
    if (role === null) {
      const allowed = await limiters.wrongKeys.consume(clientOf(context)).then(
        () => true,
        () => false,
      );
      if (!allowed) return sentence(context, 429, "Too many requests; try again later.");
      context.header("WWW-Authenticate", "Bearer");
      return sentence(context, 401, "The supervisor key is not valid.");
    }
    context.set("role", role);
    await next();
  };
}
