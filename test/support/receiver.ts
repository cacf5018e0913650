import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

/** A notice whose signature the Standard Webhooks library has accepted. */
export type Notice = {
  /** `webhook-id`: one a logical event. */
  id: string;
  type: string;
  data: { breachId: string; status: string; subject: string; ruleId: string; chain: string };
};

/** A webhook receiver on loopback. `refused` counts deliveries the library did not accept. */
export type Receiver = {
  url: string;
  secret: string;
  notices: readonly Notice[];
  refused(): number;
  stop(): Promise<void>;
};

/** Starts a receiver that accepts what the Standard Webhooks library accepts. */
export async function startReceiver(): Promise<Receiver> {
  const secret = `whsec_${randomBytes(32).toString("base64")}`;
  const notices: Notice[] = [];
  let refused = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    try {
      const headers = request.headers as Record<string, string>;
      const message = new Webhook(secret).verify(Buffer.concat(chunks).toString(), headers) as Omit<Notice, "id">;
      notices.push({ ...message, id: headers["webhook-id"] as string });
      response.writeHead(204).end();
    } catch {
      refused++;
      response.writeHead(400).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    ...{ secret, notices, refused: () => refused },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
