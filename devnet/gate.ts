import { connect, createServer, type Socket } from "node:net";
import { InputError } from "../src/core/errors.ts";

/** A public port in front of a chain's own. */
export type Gate = { url: string; close(): Promise<void> };

/**
 * Passes connections on a port through to a chain. It is opened only once the chain has its history again, so that after
 * a restart nobody takes a chain that is still being replayed for one that has shrunk.
 * @throws InputError when the port is taken.
 */
export async function openGate(options: { port: number; chainId: number; targetPort: number }): Promise<Gate> {
  const open = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(options.targetPort, "127.0.0.1");
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      reject(taken ? new InputError(portTaken(options.port, options.chainId)) : error);
    });
    server.listen(options.port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${options.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** Makes sure a port can be had, before much work is done for it. @throws InputError when it is taken. */
export async function checkPort(port: number, chainId: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", () => reject(new InputError(portTaken(port, chainId))));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve()));
  });
}

function portTaken(port: number, chainId: number): string {
  return `Port ${port} for chain eip155:${chainId} is in use; stop what listens there, or set PLUMBLINE_DEVNET_PORT_${chainId}.`;
}
