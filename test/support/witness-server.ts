import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { answerAddCheckpoint } from "../../src/core/log/add-checkpoint.ts";
import { type Cosigner, cosignerOf } from "../../src/core/log/cosignature.ts";
import type { Head } from "../../src/core/log/head.ts";
import { parseNote, parseVerifierKey } from "../../src/core/proof/note.ts";

/** An answer in the place of the one that the rules ask for. */
export type OtherAnswer = { status: number; body: string };

/** A witness of one log over HTTP, that does what the specification says unless it is told otherwise. */
export type WitnessServer = {
  url: string;
  cosigner: Cosigner;
  /** The last head it cosigned; a test may put another in its place. */
  last: Pick<Head, "size" | "root"> | null;
  /** Sizes that requests said it knew, in order. */
  asked: number[];
  /** What it answers instead. */
  instead: ((note: string) => OtherAnswer | null) | null;
  stop(): Promise<void>;
};

/** Starts a witness on a free port. @param logKeys verifier keys of the log it watches. */
export async function startWitness(
  name: string,
  { fill, logKeys }: { fill: number; logKeys: readonly string[] },
): Promise<WitnessServer> {
  const cosigner = cosignerOf(name, new Uint8Array(32).fill(fill));
  const keys = logKeys.map(parseVerifierKey);
  const server: Server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    witness.asked.push(Number(/^old (\d+)/.exec(body)?.[1]));
    const other = witness.instead?.(body.slice(body.indexOf("\n\n") + 2)) ?? null;
    if (other !== null) return void response.writeHead(other.status).end(other.body);
    const answer = answerAddCheckpoint(body, {
      keysOf: (origin) => keys.filter((key) => key.name === origin),
      lastOf: () => witness.last,
    });
    if ("status" in answer) return void response.writeHead(answer.status).end(answer.body);
    witness.last = answer.head;
    response.end(cosigner.cosign(parseNote(answer.head.note).text, 1_775_088_600n));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const witness: WitnessServer = {
    ...{ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, cosigner },
    ...{ last: null, asked: [], instead: null },
    async stop() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
  return witness;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString("utf8");
}
