import { ProviderError } from "../../src/core/errors.ts";

const TIMEOUT_MS = 15_000;

/** `fetch` with a limit of time. @throws ProviderError when the URL cannot be reached. */
export async function request(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new ProviderError(`${url} cannot be reached: ${reasonOf(error)}.`);
  }
}

/** `fetch` says "fetch failed" and keeps what happened in the cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}
