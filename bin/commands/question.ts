import type { Command } from "commander";
import { InputError, ProviderError } from "../../src/core/errors.ts";

const EXAMPLE_URL = "http://127.0.0.1:4000";
const TIMEOUT_MS = 60_000;

/** Options that every command which asks a running Plumbline has. */
export type AskFlags = { url?: string; json?: boolean };

/** Adds `--url` and `--json`. */
export function withAskOptions(command: Command): Command {
  return command
    .option("--url <url>", "a running Plumbline; this machine's, at PORT, unless given")
    .option("--json", "print the answer as JSON, amounts exact");
}

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/**
 * Asks a running Plumbline a GraphQL question.
 * @param url where it is; this machine's when absent.
 * @returns the answer's `data`.
 * @throws InputError when the question is refused, ProviderError when there is no answer.
 */
export async function ask(
  url: string | undefined,
  { query, variables }: { query: string; variables: Readonly<Record<string, unknown>> },
): Promise<unknown> {
  const base = baseUrl(url);
  const body = JSON.stringify({ query, variables });
  let answer: { data?: unknown; errors?: { message: string }[]; error?: string };
  try {
    const headers = { "content-type": "application/json" };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    answer = await (await fetch(`${base}/graphql`, { method: "POST", headers, body, signal })).json();
  } catch {
    throw new ProviderError(
      `No Plumbline answers at ${base}; start one with "plumbline start", or name it with --url.`,
    );
  }
  const [refusal] = answer.errors ?? [];
  if (refusal !== undefined) throw new InputError(refusal.message);
  if (answer.error !== undefined) throw new ProviderError(answer.error);
  return answer.data;
}

/**
 * The address of a running Plumbline without a slash at its end: the one given, or this machine's at `PORT`.
 * @throws InputError for what is no http address.
 */
export function baseUrl(given: string | undefined): string {
  const url = given ?? `http://127.0.0.1:${process.env.PORT || 4000}`;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new InputError(
      given === undefined
        ? `PORT is "${process.env.PORT}"; expected the port of a running Plumbline, or --url.`
        : `--url is "${given}"; expected a URL like ${EXAMPLE_URL}.`,
    );
  }
  return url.replace(/\/+$/, "");
}
