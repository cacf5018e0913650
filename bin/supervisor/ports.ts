import { createServer } from "node:net";
import { InputError } from "../../src/core/errors.ts";

/**
 * Checks that a loopback port is free.
 * @param setting the environment variable that chooses it.
 * @throws InputError when something listens there.
 */
export async function requireFreePort(port: number, setting: string): Promise<void> {
  const isFree = await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
  if (!isFree)
    throw new InputError(`Port ${port} is in use: stop what listens there, or set ${setting} to a free port.`);
}
