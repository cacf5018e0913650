/**
 * Asks a server for paths, one after another on each of several connections, for a while: `node bin/run.mjs
 * bench/reader.ts URL SECONDS PATH…`. Prints how many answers there were, their bytes, and how long it took, as JSON.
 */
import { Pool } from "undici";
import { ProviderError } from "../src/core/errors.ts";

const CONNECTIONS = 16;

const [url, seconds, ...paths] = process.argv.slice(2) as [string, string, ...string[]];
const pool = new Pool(url, { connections: CONNECTIONS });
const began = performance.now();
const end = began + Number(seconds) * 1000;
let [requests, bytes] = [0, 0];

async function ask(): Promise<void> {
  while (performance.now() < end) {
    const path = paths[requests++ % paths.length] as string;
    const { statusCode, body } = await pool.request({ method: "GET", path });
    if (statusCode !== 200) throw new ProviderError(`${path} was answered with ${statusCode}; expected 200.`);
    bytes += (await body.arrayBuffer()).byteLength;
  }
}

await Promise.all(Array.from({ length: CONNECTIONS }, ask));
console.log(JSON.stringify({ requests, bytes, seconds: (performance.now() - began) / 1000 }));
await pool.close();
