import { ProviderError } from "../../src/core/errors.ts";
import { parseConflict } from "../../src/core/log/add-checkpoint.ts";

/** What a witness answers: lines it has signed, not checked yet; or the size it knows. */
export type WitnessAnswer = { type: "cosigned"; body: string } | { type: "conflict"; size: number };

const ANSWER_WITHIN_MS = 15_000;
/** As many lines as a note can have, each as long as it can be. */
const MAX_ANSWER_BYTES = 65_536;
const SHOWN_CHARACTERS = 200;

/**
 * Posts a request to a witness.
 * @param request as `encodeAddCheckpoint` makes it.
 * @throws ProviderError when it does not answer, or refuses; with the witness's own sentence, cut short.
 */
export async function askWitness(url: string, request: string): Promise<WitnessAnswer> {
  const response = await post(`${url}/add-checkpoint`, request);
  const body = await textOf(response);
  if (response.status === 200) return { type: "cosigned", body };
  const size = response.status === 409 ? parseConflict(body) : null;
  if (size !== null) return { type: "conflict", size };
  const said = body
    .replaceAll(/[^ -~]+/g, " ")
    .trim()
    .slice(0, SHOWN_CHARACTERS);
  throw new ProviderError(`It answered ${response.status}${said === "" ? "" : `: ${said}`}`);
}

async function post(url: string, body: string): Promise<Response> {
  try {
    return await fetch(url, {
      ...{ method: "POST", body, redirect: "error", headers: { "content-type": "text/plain; charset=utf-8" } },
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
  } catch (error) {
    throw new ProviderError("It does not answer.", { cause: error });
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_ANSWER_BYTES) throw new ProviderError(`It answered with more than ${MAX_ANSWER_BYTES} bytes.`);
    }
  } catch (error) {
    if (error instanceof ProviderError) throw error;
    throw new ProviderError("Its answer broke off.", { cause: error });
  }
  return Buffer.concat(chunks).toString("utf8");
}
