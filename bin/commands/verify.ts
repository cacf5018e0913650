import { readFileSync, statSync } from "node:fs";
import { Command } from "commander";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import { isTlogFile } from "../../src/core/log/verify-tlog-proof.ts";
import { MAX_BYTES } from "../../src/core/proof/canonical.ts";
import { isEpochFile, lastBlockIn } from "../../src/core/proof/epoch-file.ts";
import { shown } from "../../src/core/proof/verification.ts";
import {
  blocksIn,
  type Claim,
  readClaim,
  type Trusted,
  type TrustedWitnesses,
  type Verification,
  verify,
} from "../../verifier/index.ts";
import { linkLines, refutation, UNCHECKED } from "./link-lines.ts";
import { reasonOf, request } from "./request.ts";
import { askNodes, parseAnchor, parseHash, parseNode, parseTrust } from "./trusted-blocks.ts";
import { checkEpochProof } from "./verify-epoch.ts";
import { checkTlogProof } from "./verify-tlog.ts";

const EXIT_CODES = { verified: 0, refuted: 1, unchecked: 2 } as const;

/** Options of `plumbline verify` as commander gives them. */
export type VerifyFlags = {
  trust?: readonly string[];
  rpc?: readonly string[];
  logKey?: readonly string[];
  witness?: readonly string[];
  witnesses?: string;
  anchor?: readonly string[];
  rulebook?: readonly string[];
  deployment?: readonly string[];
  json?: boolean;
};

/** A verification, and what it is of: null for a file that is no proof. */
export type Verified = { verification: Verification; claim: Claim | null };

/** How many bytes were checked, and how long that took once they and the hashes of blocks were there. */
type Effort = { bytes: number; milliseconds: number };

/** `plumbline verify`: checks a proof. Exit code 0 verified, 1 refuted or malformed, 2 could not be checked. */
export function verifyCommand(): Command {
  const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  return new Command("verify")
    .description(
      "check a proof bundle, an epoch proof or a tlog-proof; exit code 0 verified, 1 refuted or malformed, 2 could not be checked",
    )
    .argument("<file-or-url>", "the bundle, or the proof of a figure, of an epoch or of a leaf")
    .option("--log-key <key>", "verifier key of a log you trust, name+hash+base64; may be repeated", collect)
    .option("--witness <key>", "key of a witness you rely on, name+hash+base64; may be repeated", collect)
    .option("--witnesses <number>", "how many of these must have cosigned (default: all)")
    .option("--anchor <contract>", "a contract you know as the log's anchor, CAIP10; may be repeated", collect)
    .option("--trust <block>", "a block hash you believe, CAIP2:BLOCK=HASH; may be repeated", collect)
    .option("--rpc <node>", "a node to ask for the block's hash, CAIP2=URL; repeated, all must agree", collect)
    .option("--rulebook <hash>", "the hash of a rulebook you know; may be repeated", collect)
    .option("--deployment <hash>", "the hash of a deployment you know; may be repeated", collect)
    .option("--json", "print the result as JSON")
    .action(async (source: string, flags: VerifyFlags) => {
      const given = await readGiven(source, flags);
      const other = checkOther(given, flags);
      if (other !== null) {
        process.stdout.write(flags.json === true ? `${asciiJson(other.json)}\n` : other.report);
        process.exitCode = EXIT_CODES[other.status];
        return;
      }
      const verified = await verifyGiven(given);
      const { verification } = verified;
      const { bytes, milliseconds } = verified;
      process.stdout.write(
        flags.json === true
          ? `${asciiJson(verification)}\n`
          : `${bytes} bytes, checked in ${milliseconds} ms.\n${report(verified)}`,
      );
      process.exitCode = EXIT_CODES[verification.status];
    });
}

/**
 * Checks the proof in a file or at a URL.
 * @throws InputError for an option or a file that cannot be used, ProviderError when the URL does not answer.
 */
export async function verifyAt(source: string, flags: VerifyFlags): Promise<Verified & Effort> {
  return await verifyGiven(await readGiven(source, flags));
}

/** Options about what a tlog-proof says nothing of. */
const NOT_IN_TLOG = ["anchor", "trust", "rpc", "rulebook", "deployment"] as const;

/** Checks an epoch proof or a tlog-proof; null for any other file. @throws InputError for an option it has no use for. */
function checkOther({ bytes, trusted }: Given, flags: VerifyFlags): ReturnType<typeof checkEpochProof> | null {
  if (isEpochFile(bytes)) {
    if (flags.anchor !== undefined) throw new InputError("--anchor was given, but an epoch proof shows no anchor.");
    return checkEpochProof(bytes, trusted);
  }
  if (!isTlogFile(bytes)) return null;
  const useless = NOT_IN_TLOG.find((option) => flags[option] !== undefined);
  if (useless !== undefined) {
    throw new InputError(`--${useless} was given, but a tlog-proof shows a leaf of a log and nothing else.`);
  }
  return checkTlogProof(bytes, trusted);
}

/** The bytes to be checked, and what they are checked against. */
type Given = { bytes: Uint8Array; trusted: Trusted & { logKeys: readonly string[] } };

async function readGiven(source: string, flags: VerifyFlags): Promise<Given> {
  const trusted = (flags.trust ?? []).map(parseTrust);
  const nodes = (flags.rpc ?? []).map(parseNode);
  const witnesses = readWitnesses(flags);
  const known = {
    ...(witnesses && { witnesses }),
    ...(flags.anchor && { anchors: flags.anchor.map(parseAnchor) }),
    ...(flags.rulebook && { rulebooks: flags.rulebook.map((text) => parseHash("--rulebook", text)) }),
    ...(flags.deployment && { deployments: flags.deployment.map((text) => parseHash("--deployment", text)) }),
  };
  const bytes = /^https?:\/\//.test(source) ? await download(source) : readBundle(source);
  const warn = (sentence: string) => process.stderr.write(`${shown(sentence)}\n`);
  const asked = trusted.length + nodes.length > 0;
  const blocks = asked ? { blocks: [...trusted, ...(await askNodes(namedBlocks(bytes), { nodes, warn }))] } : {};
  return { bytes, trusted: { ...known, logKeys: flags.logKey ?? [], ...blocks } };
}

/** The blocks whose hashes the bytes rest on. */
function namedBlocks(bytes: Uint8Array): ReturnType<typeof blocksIn> {
  return isEpochFile(bytes) ? lastBlockIn(bytes) : blocksIn(bytes);
}

async function verifyGiven({ bytes, trusted }: Given): Promise<Verified & Effort> {
  const claim = readClaim(bytes);
  const before = performance.now();
  const verification = await verify(bytes, trusted);
  const milliseconds = Math.ceil(performance.now() - before);
  return { verification, claim, bytes: bytes.length, milliseconds };
}

/** Whom to rely on and how many of them; null when nobody is named. @throws InputError for what is no number. */
function readWitnesses({ witness = [], witnesses }: VerifyFlags): TrustedWitnesses | null {
  if (witness.length === 0 && witnesses === undefined) return null;
  if (witnesses !== undefined && !/^(0|[1-9]\d{0,2})$/.test(witnesses)) {
    throw new InputError(
      `--witnesses is "${witnesses}"; expected how many of the keys given with --witness must be there.`,
    );
  }
  return { keys: witness, threshold: witnesses === undefined ? witness.length : Number(witnesses) };
}

/** JSON in ASCII, as safe to show as sentences are: names of inputs are a hostile file's own words. */
export function asciiJson(verification: object): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(verification).replace(/[\u007f-\uffff]/g, escaped);
}

/** One line for every link, then which inputs are proven, then what it all comes to. */
export function report({ verification, claim }: Verified): string {
  const { links, assurance, inputs } = verification;
  const lines = linkLines(links);
  if (assurance !== null) {
    const list = (names: readonly string[]) => (names.length === 0 ? "none" : names.join(", "));
    lines.push(shown(`Inputs proven: ${list(inputs.proven)}. Taken as recorded: ${list(inputs.taken)}.`));
  }
  return `${[...lines, shown(conclusionOf(verification, claim))].join("\n")}\n`;
}

function conclusionOf({ status, assurance, links }: Verification, claim: Claim | null): string {
  if (status === "refuted") return refutation(links);
  if (status === "unchecked" || assurance === null || claim === null) {
    return assurance === null ? UNCHECKED : `${UNCHECKED} What it does reach is: ${assurance}.`;
  }
  if (assurance === "attested") {
    return "Verified: attested. The log vouches for the recorded inputs; that they came from the chain is not proven.";
  }
  const { chain, blockNumber, deploymentHash, rulebookHash, metric, subject, testPoint } = claim;
  const block = `the hash of block ${blockNumber} of ${chain}`;
  const trusted = [
    ...[block, `that deployment ${deploymentHash} names the protocol's contracts`],
    ...(rulebookHash === null ? [] : [`that rulebook ${rulebookHash} states the rule rightly`]),
  ];
  if (assurance === "authentic") {
    return (
      "Verified: authentic. The event behind the assessment is in its block. Still trusted: the log's operator for " +
      `every input taken as recorded, and that no earlier event is left out; ${trusted.join("; ")}.`
    );
  }
  // A record names its creditors, and only some protocols list theirs.
  if (metric.startsWith("AST.")) trusted.push("that no creditor is left out, where the protocol does not list them");
  // The record alone says so: no header does, and no view.
  if (testPoint.startsWith("day:")) trusted.push("that the block is the last of its day");
  if (metric.startsWith("POS.")) trusted.push("which stretch of the position it is, the last part of its id");
  return (
    `Verified: proven. The protocol's own code, run again over the state of the block, gives ${metric} of ${subject} ` +
    `as claimed. Still trusted: ${trusted.join("; ")}; that the prices the protocol used are true.`
  );
}

function readBundle(file: string): Uint8Array {
  try {
    // A file far too long is not read at all; verifying its first bytes too many gives the sentence about its length.
    return statSync(file).size > MAX_BYTES ? new Uint8Array(MAX_BYTES + 1) : readFileSync(file);
  } catch (error) {
    throw new InputError(`The bundle ${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? error}.`);
  }
}

async function download(url: string): Promise<Uint8Array> {
  const response = await request(url, {});
  if (!response.ok) throw new ProviderError(`${url} answered ${response.status}; expected a bundle.`);
  return await readLimited(response, url);
}

/** Reads a body, and no more than one byte too many of it. */
async function readLimited(response: Response, url: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_BYTES) break;
    }
  } catch (error) {
    throw new ProviderError(`${url} broke off: ${reasonOf(error)}.`);
  }
  return Buffer.concat(chunks).subarray(0, MAX_BYTES + 1);
}
