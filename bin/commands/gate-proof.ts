import { Command } from "commander";
import { decodeFunctionData, encodeFunctionData } from "viem/utils";
import * as z from "zod";
import { complianceGateAbi } from "../../abis/compliance-gate.ts";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import { addressOf, type Hex } from "../../src/core/ids.ts";
import { openHead } from "../../src/core/log/head.ts";
import type { GateProof } from "../../src/core/proof/gate.ts";
import { type GateClaim, gateProofJson, requirePass } from "../../src/core/proof/gate-pass.ts";
import { parseVerifierKey } from "../../src/core/proof/note.ts";
import { shown } from "../../src/core/proof/verification.ts";
import { baseUrl, collect } from "./question.ts";
import { reasonOf, request } from "./request.ts";

/** Options of `plumbline gate-proof` as commander gives them. */
export type GateFlags = {
  rule: string;
  protocol?: string;
  epoch: string;
  maxAge?: string;
  logKey?: readonly string[];
  url?: string;
};

const hash = z.custom<Hex>((text) => typeof text === "string" && /^0x[0-9a-f]{64}$/.test(text));
/** What is read of an answer; the argument itself is read from the calldata. */
const answerShape = z.object({
  account: z.string(),
  protocol: z.string(),
  ruleId: z.string(),
  anchor: z.string(),
  epoch: z.object({
    ...{ chain: z.string(), number: z.string(), toBlock: z.string().regex(/^\d{1,18}$/), kernel: z.string() },
    ...{ rulebookHash: hash, deploymentHash: hash },
  }),
  checkpoint: z.string(),
  calldata: z.custom<Hex>((text) => typeof text === "string" && /^0x[0-9a-f]+$/.test(text)),
});

/** What is printed. */
type GateAnswer = z.infer<typeof answerShape> & { proof: ReturnType<typeof gateProofJson> };

/** `plumbline gate-proof`: what an account sends to a gate, asked of a running Plumbline, and checked as the gate will. */
export function gateProofCommand(): Command {
  return new Command("gate-proof")
    .description(
      "what an account sends to a gate to show that a rule's condition is met for it, as JSON with the calldata",
    )
    .argument("<account>", "the account, CAIP-10: eip155:901:0x…")
    .requiredOption("--rule <id>", "the rule that the gate asks for")
    .option("--protocol <id>", "the protocol, eip155:901/perp-v2, where the rule is about several")
    .option("--epoch <number>", "the epoch to show it by; the newest under a head on the chain unless given", "newest")
    .option("--max-age <blocks>", "refuse an epoch that ended longer ago, as the gate will")
    .option(
      "--log-key <key>",
      "verifier key of the log, name+hash+base64: its signature is checked; may be repeated",
      collect,
    )
    .option("--url <url>", "a running Plumbline; this machine's, at PORT, unless given")
    .action(async (account: string, flags: GateFlags) => {
      process.stdout.write(`${JSON.stringify(await gateProofOf(account, flags), null, 2)}\n`);
    });
}

/**
 * Asks for the proof and checks it.
 * @throws InputError when there is none, and why; ProviderError when there is no answer, or one that does not hold.
 */
export async function gateProofOf(account: string, flags: GateFlags): Promise<GateAnswer> {
  const chain = account.slice(0, account.lastIndexOf(":"));
  const subject = account.toLowerCase();
  addressOf(subject);
  const query = new URLSearchParams({
    ...{ subject, rule: flags.rule },
    ...(flags.protocol !== undefined && { protocol: flags.protocol }),
    ...(flags.maxAge !== undefined && { maxAge: flags.maxAge }),
  });
  const path = `/v1/epochs/${encodeURIComponent(chain)}/${encodeURIComponent(flags.epoch)}/gate?${query}`;
  const answer = answerShape.safeParse(await askJson(`${baseUrl(flags.url)}${path}`));
  if (!answer.success) throw new ProviderError("The answer is no proof for a gate.");
  const keys = (flags.logKey ?? []).map(parseVerifierKey);
  const { calldata, anchor, ...claim } = answer.data;
  const proof = argumentIn(calldata);
  try {
    requireAsked(claim, { ...flags, account: subject });
    if (keys.length > 0) openHead(claim.checkpoint, keys);
    requirePass(claim, proof);
  } catch (error) {
    if (error instanceof InputError) throw new ProviderError(shown(`The answer does not hold: ${error.message}`));
    throw error;
  }
  return { ...claim, anchor, proof: gateProofJson(proof), calldata };
}

async function askJson(url: string): Promise<unknown> {
  const response = await request(url, {});
  let body: { error?: unknown };
  try {
    body = (await response.json()) as { error?: unknown };
  } catch (error) {
    throw new ProviderError(`${url} gave no JSON: ${reasonOf(error)}.`);
  }
  if (response.ok) return body;
  const why = typeof body?.error === "string" ? shown(body.error) : `${url} answered ${response.status}.`;
  throw response.status < 500 ? new InputError(why) : new ProviderError(why);
}

/** The argument of `act` in calldata. @throws ProviderError when it is not exactly that. */
function argumentIn(calldata: Hex): GateProof {
  try {
    const { functionName, args } = decodeFunctionData({ abi: complianceGateAbi, data: calldata });
    if (functionName === "act" && encodeFunctionData({ abi: complianceGateAbi, functionName, args }) === calldata) {
      return args[0];
    }
  } catch (error) {
    throw new ProviderError("The answer's calldata cannot be read as a call of act.", { cause: error });
  }
  throw new ProviderError("The answer's calldata is no call of act, or more than that.");
}

/** @throws InputError when an answer is about something else than what was asked. */
function requireAsked(claim: GateClaim & { epoch: { number: string } }, asked: GateFlags & { account: string }): void {
  const isAsked =
    claim.account === asked.account &&
    claim.ruleId === asked.rule &&
    (asked.protocol === undefined || claim.protocol === asked.protocol) &&
    (asked.epoch === "newest" || claim.epoch.number === asked.epoch);
  if (!isAsked) throw new InputError("it is about another account, rule, protocol or epoch than was asked.");
}
