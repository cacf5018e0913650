import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { InputError } from "../../src/core/errors.ts";
import { addressOf, caip2, caip10, protocolId } from "../../src/core/ids.ts";
import type { Deployment } from "../../src/core/margin-model.ts";
import { isProvable } from "../../src/core/proof/derive.ts";
import type { Figure } from "../../src/core/proof/figure-proof.ts";
import { rulebookAt, type Schedule } from "../../src/core/rules/schedule.ts";
import { tipOf } from "../feed/blocks.ts";
import { createTurnstile } from "../graphql/turnstile.ts";
import type { Db } from "../store/database.ts";
import type { CaptureWorker } from "./capture-worker.ts";
import type { FigureJob } from "./job.ts";

/** What is to be proven: a metric of an account or a position, in a block, and whose rates it takes where it takes any. */
export type ProofRequest = {
  subject: string;
  metric: string;
  /** Decimal; the last block this server has followed when absent. */
  block?: string;
  rule?: string;
  /** Needed where an account's chain has several protocols: `perp-v2`, or the protocol's id. */
  protocol?: string;
};

/** A figure with the file that proves it, which is RFC 8785 text. */
export type ProvenFigure = { figure: Figure; bundle: string };

/** Proves figures on request, one at a time for each asker. */
export type Prover = {
  /**
   * @param asker whoever asks under the same name shares an allowance and a place to wait; nobody can use up another's.
   * @throws InputError with a sentence for whoever asks; ProviderError when the node does not answer.
   */
  prove(request: ProofRequest, asker: string): Promise<ProvenFigure>;
};

/** Proofs made in a minute for each asker: each runs an EVM and asks the node some hundred questions. */
const REQUESTS = { points: 30, duration: 60 };
const ROOM = { running: 1, waiting: 4 };

/**
 * A prover. Its thread should be its own, so that what is asked from outside never delays what is to be sealed.
 */
export function createProver(parts: {
  db: Db;
  worker: CaptureWorker;
  deployment: Deployment;
  schedule: Schedule;
}): Prover {
  const turnstiles = new Map<string, ReturnType<typeof createTurnstile>>();
  const limiter = new RateLimiterMemory(REQUESTS);
  const turnstileOf = (asker: string) => {
    const known =
      turnstiles.get(asker) ?? createTurnstile(ROOM, "Too many proofs are being made; try again in a moment.");
    turnstiles.set(asker, known);
    return known;
  };
  return {
    async prove(request, asker) {
      const job = jobOf(request, parts);
      try {
        await limiter.consume(asker);
      } catch (rejected) {
        if (!(rejected instanceof RateLimiterRes)) throw rejected;
        throw new InputError(`No more than ${REQUESTS.points} proofs are made in a minute; try again later.`);
      }
      const { bytes } = await turnstileOf(asker)(() => parts.worker.run(job));
      const bundle = new TextDecoder().decode(bytes);
      return { figure: (JSON.parse(bundle) as { figure: Figure }).figure, bundle };
    },
  };
}

type Parts = Pick<Parameters<typeof createProver>[0], "db" | "deployment" | "schedule">;

function jobOf(request: ProofRequest, parts: Parts): FigureJob {
  const { metric, subject } = request;
  if (!isProvable(metric, "end")) {
    throw new InputError(`No view of a protocol states ${metric} at the end of a block, so it cannot be proven.`);
  }
  const place = placeOf(request, parts.deployment);
  const isPosition = subject.startsWith(`${place.protocol}/`);
  if (isPosition !== metric.startsWith("POS.")) {
    const [is, expected] = isPosition ? ["a position", "an account"] : ["an account", "a position"];
    throw new InputError(`${metric} is not measured of ${is}; expected ${expected}.`);
  }
  const tip = tipOf(parts.db, place.chain);
  const block = numberOf(request.block, tip?.number ?? null);
  return {
    ...{ kind: "figure", ...place, subject, metric, block },
    rule: ruleOf(request, { ...parts, chain: place.chain, block }),
    hash: tip?.number === block ? tip.hash : null,
  };
}

function numberOf(text: string | undefined, tip: number | null): number {
  if (text !== undefined && /^(0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  if (text !== undefined) throw new InputError(`The block is "${text}"; expected a number in decimal digits.`);
  if (tip === null) throw new InputError("No block has been followed yet; name one.");
  return tip;
}

/** Chain, protocol and holder of a subject. */
function placeOf({ subject, protocol }: ProofRequest, { chains }: Deployment) {
  for (const { chainId, protocols } of chains) {
    const chain = caip2(chainId);
    const ids = protocols.map((config) => protocolId(chainId, config.protocol));
    const own = ids.find((id) => subject.startsWith(`${id}/`));
    if (own !== undefined) {
      const holder = /\/(0x[0-9a-f]{40})\/[1-9]\d*$/.exec(subject)?.[1];
      if (holder === undefined) break;
      return { chain, protocol: own, account: caip10(chainId, holder) };
    }
    if (!subject.startsWith(`${chain}:`)) continue;
    const account = caip10(chainId, addressOf(subject));
    if (account !== subject) break;
    const named = ids.filter((id) => protocol === undefined || id === protocol || id === `${chain}/${protocol}`);
    const [only] = named;
    if (only === undefined)
      throw new InputError(`${chain} has no protocol "${protocol}"; expected one of ${ids.join(", ")}.`);
    if (named.length > 1) throw new InputError(`${chain} has several protocols; name one of ${ids.join(", ")}.`);
    return { chain, protocol: only, account };
  }
  throw new InputError("The subject is no account or position, in lower case, of a chain that is followed here.");
}

function ruleOf(
  { rule: id }: ProofRequest,
  { schedule, chain, block }: Parts & { chain: string; block: number },
): FigureJob["rule"] {
  if (id === undefined) return null;
  const rulebook = rulebookAt(schedule, chain, BigInt(block));
  return { id, source: rulebook.source, hash: rulebook.hash };
}
