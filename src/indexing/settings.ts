import { readFileSync } from "node:fs";
import { deploymentHash, parseDeployment } from "../core/deployment.ts";
import { InputError } from "../core/errors.ts";
import type { Hex } from "../core/ids.ts";
import type { Deployment } from "../core/margin-model.ts";
import type { Schedule } from "../core/rules/schedule.ts";
import { readSchedule } from "../files/schedule.ts";

/** How often the same loopback URL is listed, because Ponder throttles each entry by itself from 20 requests a second up. */
const LOOPBACK_ENTRIES = 64;

/** Where the indexer finds its deployment and rulebooks. */
const DEPLOYMENT_FILE = process.env.PLUMBLINE_DEPLOYMENT ?? "deployments/devnet.json";
/** A folder of rulebook files, or the file the supervisor keeps of all versions. */
const RULEBOOKS = process.env.PLUMBLINE_RULEBOOKS ?? "rulebooks";

/** The deployment this indexer follows. @throws InputError when the file is not there or malformed. */
export function loadDeployment(file = DEPLOYMENT_FILE): Deployment {
  return parseDeployment(readText(file), file);
}

/** Hash of the deployment, part of every epoch. */
export function hashOf(deployment: Deployment): Hex {
  return deploymentHash(deployment);
}

/** The rulebook assessed against, with its versions. @throws InputError when it cannot be read or is malformed. */
export function loadSchedule(path = RULEBOOKS): Schedule {
  return readSchedule(path);
}

/**
 * Node URLs of a chain. An endpoint on this machine is ours to burden, so it is listed many times; a real node is listed
 * once. WebSocket only when it is named: on an idle chain Ponder would hold back the last blocks until the next head.
 * @throws InputError when `PONDER_RPC_URL_<chainId>` is missing or names several nodes.
 */
export function nodeUrls(chainId: number): { http: string[]; ws: string | null } {
  const name = `PONDER_RPC_URL_${chainId}`;
  const url = process.env[name];
  if (!url) throw new InputError(`${name} is not set; expected the URL of a node of chain ${chainId}.`);
  if (url.includes(","))
    throw new InputError(`${name} names several nodes; expected one until the intake compares them.`);
  const { hostname } = new URL(url);
  const loopback = hostname === "127.0.0.1" || hostname === "localhost" || hostname === "[::1]";
  const http = loopback ? Array.from({ length: LOOPBACK_ENTRIES }, (_, i) => `${url.replace(/\/$/, "")}/?${i}`) : [url];
  return { http, ws: process.env[`PONDER_WS_URL_${chainId}`] ?? null };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new InputError(`${file} cannot be read; expected a JSON file.`);
  }
}
