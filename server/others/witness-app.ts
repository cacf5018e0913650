import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { plainText } from "../../src/core/log/json-difference.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import type { Witness } from "./witness.ts";
import type { WitnessStore } from "./witness-state.ts";

/** What a witness says of itself. `url` is where the log is followed. */
export type WitnessFacts = {
  verifierKey: string;
  origin: string;
  url: string;
  compares: "epochs" | "consistency only";
  store: Pick<WitnessStore, "cosigned">;
};

/** The longest checkpoint, and a proof before it. */
const MAX_BODY_BYTES = 73_728;
/** The longest a refusal is shown. */
const MAX_SENTENCE = 2_000;

/** The routes of a witness: `POST /add-checkpoint`, and `GET /`, which says where it stands. */
export function createWitnessApp(witness: Witness, facts: WitnessFacts): Hono {
  const app = new Hono();
  app.onError((_, context) => context.text("This could not be answered because of a fault in the witness.\n", 500));
  app.notFound((context) => context.text("A witness has GET / and POST /add-checkpoint.\n", 404));

  app.get("/", (context) => {
    context.header("Cache-Control", "no-store");
    return context.json(statusOf(witness, facts));
  });

  app.post(
    "/add-checkpoint",
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (context) => context.text(`A request has at most ${MAX_BODY_BYTES} bytes.\n`, 413),
    }),
    async (context) => {
      const { status, contentType, body, retryAfterSeconds } = await witness.add(await context.req.text());
      if (retryAfterSeconds !== undefined) context.header("Retry-After", String(retryAfterSeconds));
      context.header("Cache-Control", "no-store");
      return context.body(body, status as ContentfulStatusCode, { "Content-Type": contentType });
    },
  );
  return app;
}

function statusOf(witness: Witness, { verifierKey, origin, url, compares, store }: WitnessFacts) {
  const { seen, compared, waiting, refused } = witness.status();
  const cosigned = store.cosigned(origin);
  const shown = (sentence: string) => plainText(sentence).slice(0, MAX_SENTENCE);
  return {
    witness: verifierKey,
    log: { origin, url },
    compares,
    seen: seen === null ? null : { size: seen.size, root: toHex(seen.root) },
    compared,
    cosigned:
      cosigned === null ? null : { size: cosigned.size, root: toHex(cosigned.root), time: cosigned.time.toString() },
    waiting: waiting === null ? null : shown(waiting),
    refused: refused === null ? null : { above: refused.index, sentence: shown(refused.sentence) },
  };
}
