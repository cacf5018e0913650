/**
 * Our own anchors: every head that one publishes becomes a `LOG_HEAD` event, so that a head is anchored because the chain
 * says so and not because somebody claims it. Nothing is folded from it, and no figure depends on it.
 */
import type { Abi } from "viem";
import { checkpointAnchorAbi } from "../../../abis/checkpoint-anchor.ts";
import type { Adapter, ContractSource, Decoded } from "../../core/adapter.ts";
import { eventOf, type Log } from "../../core/event.ts";
import type { ChainDeployment } from "../../core/margin-model.ts";

const PROTOCOL = "plumbline-anchor";
const SOURCE = "PlumblineAnchorCheckpointAnchor";
const EVENT = "HeadPublished";

/** The anchor of a chain, where its deployment has one. */
function sources({ anchor }: ChainDeployment): readonly ContractSource[] {
  if (anchor === undefined) return [];
  return [
    {
      name: SOURCE,
      abi: checkpointAnchorAbi as Abi,
      events: [EVENT],
      where: { kind: "addresses", addresses: [anchor.address] },
      startBlock: anchor.startBlock,
    },
  ];
}

/** `HeadPublished` to a `LOG_HEAD`: sizes as integers, roots as lower-case hex; both old ones are zero for a first head. */
function decode(log: Log): Decoded {
  const { oldSize, oldRoot, newSize, newRoot } = log.args;
  if (log.source !== SOURCE || log.name !== EVENT) {
    return { events: [], rejected: `${log.source}.${log.name} is not an event of an anchor.` };
  }
  if (typeof oldSize !== "bigint" || typeof newSize !== "bigint" || !isRoot(oldRoot) || !isRoot(newRoot)) {
    return { events: [], rejected: `${EVENT} lacks a size or a root.` };
  }
  const [from, to] = [oldRoot.toLowerCase(), newRoot.toLowerCase()];
  const payload = { event: EVENT, oldSize, oldRoot: from, newSize, newRoot: to };
  return { events: [eventOf(log, { protocol: PROTOCOL, kind: "LOG_HEAD", payload })], rejected: null };
}

function isRoot(value: unknown): value is string {
  return typeof value === "string" && /^0x[0-9a-fA-F]{64}$/.test(value);
}

/** The adapter of anchors. It folds nothing. */
export const plumblineAnchor: Adapter = { protocol: PROTOCOL, sources, decode, createModel: null, readAbis: {} };
