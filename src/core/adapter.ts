import type { Abi } from "viem";
import type { CanonicalEvent, Log, ReadRequest } from "./event.ts";
import type { Hex } from "./ids.ts";
import type { ChainDeployment, CreateModel, ProtocolDeployment } from "./margin-model.ts";

/** A contract an adapter listens to. `name` is unique in the catalogue and prefixed by its protocol. */
export type ContractSource = {
  name: string;
  abi: Abi;
  /** Names of the events handled; the abi may hold more. */
  events: readonly string[];
  /** Where the contract is: fixed addresses, or children announced by a factory event (`abi` is the factory's). */
  where:
    | { kind: "addresses"; addresses: readonly Hex[] }
    | { kind: "factory"; address: Hex; abi: Abi; event: string; parameter: string };
  startBlock: number;
};

/** What decoding a log gives: events, or why the log was not understood (recorded with its transaction, never thrown). */
export type Decoded = { events: readonly CanonicalEvent[]; rejected: null } | { events: readonly []; rejected: string };

/** Everything a protocol needs, in one folder, pure. `createModel` is null for price feeds. */
export type Adapter = {
  protocol: string;
  /** Sources on one chain, for the protocol's entry in that chain's deployment; empty when it is not deployed there. */
  sources(chain: ChainDeployment): readonly ContractSource[];
  decode(log: Log): Decoded;
  createModel: CreateModel | null;
  /**
   * The view calls that give a market's open interest as contract storage keeps it: total size, then skew. Absent where
   * storage has no total.
   */
  storageTotals?: (market: string) => readonly [size: ReadRequest, skew: ReadRequest];
  /**
   * View calls made at the end of every epoch's last block for what no event tells; the model's `applyReading` takes the
   * answers. Their keys do not begin with `total:`, which those of `storageTotals` do.
   */
  epochReads?: (config: ProtocolDeployment) => readonly ReadRequest[];
  /** View functions `reads` may ask for, by the name a `ReadRequest.abi` gives. */
  readAbis: Readonly<Record<string, Abi>>;
};
