import type { Abi } from "viem";
import type { Custody } from "./custody.ts";
import type { CanonicalEvent, Log, ReadRequest } from "./event.ts";
import type { Hex } from "./ids.ts";
import type { AssetDeployment, ChainDeployment, CreateModel, ProtocolDeployment } from "./margin-model.ts";
import type { HeldAccount } from "./metrics/figures.ts";
import type { Ask } from "./proof/ask.ts";

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

/** Where a protocol's views are asked. */
export type ViewsOf = { chain: ChainDeployment; config: ProtocolDeployment };

/** Custody whose creditors are all named. */
export type NamedCustody = { held: Custody["held"]; owed: Exclude<Custody["owed"], bigint> };

/**
 * What a protocol's own view functions say at the end of a block, in the very figures its margin model gives. The asks
 * throw InputError where a contract does not answer as its ABI has it.
 */
export type ProtocolViews = {
  /**
   * An account. What no view states is unknown, also in a market's product: an underlier there is only what the
   * deployment says. `market` is the one of interest, `null` for all the account is in; where margin is shared all of
   * them are looked at whichever is named.
   */
  account(of: ViewsOf & { address: Hex; market: string | null }): Ask<HeldAccount>;
  /**
   * An asset in custody. `members` are the creditors a record names: what each of them is owed is proven, and, where the
   * protocol lists its creditors, that they are all.
   * @throws InputError for an asset or a creditor that is none.
   */
  custody(of: ViewsOf & { asset: AssetDeployment; members: readonly string[] }): Ask<NamedCustody>;
};

/** Everything a protocol needs, in one folder, pure. `createModel` is null where nothing is held: price feeds, anchors. */
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
  /** Absent where a protocol's figures do not follow from its views. */
  views?: ProtocolViews;
  /**
   * Inputs of an opening's metric that the account's own events of the transaction in that market state, as they stand
   * after the last of them. Absent where a trade's event does not state what the position has then.
   * @throws (from it) InputError when the events show that the trade was no opening or increase.
   */
  statedInputs?: (metric: string, events: readonly CanonicalEvent[]) => Readonly<Record<string, bigint>>;
  /** View functions `reads` may ask for, by the name a `ReadRequest.abi` gives. */
  readAbis: Readonly<Record<string, Abi>>;
};
