/**
 * The page's checks run in a worker, so that the page stays usable and a bundle that takes too long can be stopped. The
 * worker runs the very script of the page, taken from the document as a blob: there is nothing to fetch, and the policy
 * of the page, which allows no connection and no code made from text, holds in the worker too.
 */
import { type Answer, type Asked, check } from "./check.ts";

/** The side that answers: of a worker's global, only what is used. */
type WorkerScope = {
  onmessage: ((event: { data: Asked }) => void) | null;
  postMessage(answer: Answer): void;
};

/** Trusted types, where the browser has them: the policy allows just this one use of a text as code. */
type TrustedTypes = {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
};

const TOO_LONG_MS = 60_000;

/** Answers what is asked of a worker. */
export function serveChecks(scope: WorkerScope): void {
  scope.onmessage = async ({ data }) => {
    const answer = await check(data, (link) => scope.postMessage({ kind: "link", link }));
    scope.postMessage(answer);
  };
}

/** Starts checks in workers of a script's text, or without one where the browser has no worker for a page from a file. */
export function createRunner(script: string): Runner {
  const url = scriptUrl(script);
  return (asked, { onAnswer, onStop }) => {
    let worker: Worker;
    try {
      worker = new Worker(url);
    } catch {
      return runHere(asked, onAnswer);
    }
    let isHeard = false;
    const end = (): void => {
      clearTimeout(timer);
      worker.terminate();
    };
    const timer = setTimeout(() => {
      end();
      onStop(`The check was stopped after ${TOO_LONG_MS / 1_000} seconds: no honest bundle takes that long.`);
    }, TOO_LONG_MS);
    worker.onmessage = ({ data }: { data: Answer }) => {
      isHeard = true;
      if (data.kind !== "link") end();
      onAnswer(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      end();
      if (isHeard) onStop("The check broke off. Do not rely on this bundle.");
      else runHere(asked, onAnswer);
    };
    worker.postMessage(asked);
    return end;
  };
}

/** Starts a check; what it returns stops it. */
export type Runner = (
  asked: Asked,
  to: { onAnswer: (answer: Answer) => void; onStop: (sentence: string) => void },
) => () => void;

function runHere(asked: Asked, onAnswer: (answer: Answer) => void): () => void {
  let isStopped = false;
  const answer = (given: Answer): void => {
    if (!isStopped) onAnswer(given);
  };
  void check(asked, (link) => answer({ kind: "link", link })).then(answer);
  return () => {
    isStopped = true;
  };
}

function scriptUrl(script: string): string {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  if (trustedTypes === undefined) return url;
  return trustedTypes
    .createPolicy("verifier", { createScriptURL: (given) => (given === url ? given : "") })
    .createScriptURL(url);
}
