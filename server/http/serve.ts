import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { InputError } from "../../src/core/errors.ts";
import type { App } from "./app.ts";

/** A listening server. `stop` ends open requests and streams too. */
export type Listening = { url: string; port: number; stop(): Promise<void> };

/** Serves an app. @throws InputError when the port cannot be had. */
export async function serve(
  app: Pick<App, "fetch">,
  { host, port }: { host: string; port: number },
): Promise<Listening> {
  const server: Server = createServer(getRequestListener(app.fetch));
  // A client that sends its headers or body a byte at a time is not waited for.
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  // Longer than clients and proxies keep a connection: else a request can meet one that is just being closed.
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const busy = error.code === "EADDRINUSE" || error.code === "EACCES" || error.code === "EADDRNOTAVAIL";
      reject(
        busy ? new InputError(`Port ${port} on ${host} cannot be used (${error.code}); choose another PORT.`) : error,
      );
    });
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
    port: address.port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
