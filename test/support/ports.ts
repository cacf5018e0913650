import { createServer } from "node:net";
import { ProviderError } from "../../src/core/errors.ts";

/** Below the ports that the devnet's chains and outgoing connections are given. */
const FIRST_PORT = 11_000;
const LAST_PORT = 19_998;
let next = FIRST_PORT + 2 * (process.pid % ((LAST_PORT - FIRST_PORT) / 2));

/**
 * A loopback port for something that is started later, or again: no other test is given it while this process runs. Each
 * has an even number, and the odd one above it is listened on as long as it is taken.
 */
export async function takePort(): Promise<number> {
  for (let tries = FIRST_PORT; tries <= LAST_PORT; tries += 2) {
    const port = next;
    next = port + 2 > LAST_PORT ? FIRST_PORT : port + 2;
    if ((await canListen(port + 1, "and keep it")) && (await canListen(port))) return port;
  }
  throw new ProviderError(`Every port from ${FIRST_PORT} to ${LAST_PORT} is in use.`);
}

function canListen(port: number, end: "and keep it" | "and let go" = "and let go"): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => {
      if (end === "and let go") return server.close(() => resolve(true));
      server.unref();
      resolve(true);
    });
  });
}
