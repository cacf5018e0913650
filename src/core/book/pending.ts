import type { Assessment, Epoch, EpochLeaf } from "../assessment.ts";
import type { BlockRef } from "../event.ts";
import type { Hex } from "../ids.ts";
import type { Traded } from "./appraiser.ts";
import type { AssetTotals } from "./epochs.ts";
import type { Strike } from "./exposures.ts";
import type { AccountRow, MarketRow, PositionRow } from "./figure-rows.ts";
import type { Venue } from "./venue.ts";

/** What a finished block leaves behind, all of it exact at that block's end. */
export type BlockOutcome = {
  block: BlockRef;
  assessments: readonly Assessment[];
  closed: readonly { protocol: string; subject: string }[];
  positions: readonly PositionRow[];
  accounts: readonly AccountRow[];
  markets: readonly MarketRow[];
  strikes: readonly Strike[];
  epoch: Epoch | null;
  /** Leaves that changed with the epoch, and its sums of collateral; none where no epoch ends. */
  leaves: readonly EpochLeaf[];
  collateral: readonly AssetTotals[];
};

/** What an open block has gathered so far. It is part of the book's state and changes through the journal. */
export type Pending = {
  assessments: Assessment[];
  closed: { protocol: string; subject: string }[];
  strikes: Strike[];
  /** Accounts and markets to project at the end of the block, by venue. */
  accounts: Map<Venue, Set<Hex>>;
  markets: Map<Venue, Set<string>>;
  everyone: Set<Venue>;
  /** Venues whose bad debt may have grown. */
  losing: Set<Venue>;
  ended: PositionRow[];
  /** Trades of transaction `tx`, not yet tested. */
  traded: Traded[];
  tx: number;
  /** Whether another version of the rulebook has come into force with this block. */
  anew: boolean;
};

/** A block that has just begun. */
export function emptyPending(): Pending {
  return {
    assessments: [],
    closed: [],
    strikes: [],
    accounts: new Map(),
    markets: new Map(),
    everyone: new Set(),
    losing: new Set(),
    ended: [],
    traded: [],
    tx: -1,
    anew: false,
  };
}
