import type { Adapter } from "../adapter.ts";
import type { Hex } from "../ids.ts";
import type { ChainDeployment } from "../margin-model.ts";
import type { Schedule } from "../rules/schedule.ts";
import { Appraiser } from "./appraiser.ts";
import { Closing } from "./closing.ts";
import { Conditions } from "./conditions.ts";
import { Epochs } from "./epochs.ts";
import { Owners } from "./exposures.ts";
import { Health } from "./health.ts";
import type { Journal } from "./journal.ts";
import { Losses } from "./losses.ts";
import { Measurer } from "./measurer.ts";
import { Prices } from "./prices.ts";
import { Projection } from "./projection.ts";
import { RecentBlocks } from "./recent-blocks.ts";
import { Reconciliation } from "./reconciliation.ts";
import { Regime } from "./regime.ts";
import { Roster } from "./roster.ts";
import { Surveyor } from "./surveyor.ts";
import { Transfers } from "./transfers.ts";
import { createVenues } from "./venue.ts";

/** Everything a book is made from. */
export type BookSettings = {
  chain: ChainDeployment;
  adapters: readonly Adapter[];
  /** The rulebook, version by version. */
  schedule: Schedule;
  deploymentHash: Hex;
};

/** What a book is put together from, each part knowing only those it is given. */
export type BookParts = ReturnType<typeof createParts>;

/** The parts of an empty book. `kept` is how many blocks back hashes are needed at least. */
export function createParts(
  { chain, adapters, schedule, deploymentHash }: BookSettings,
  { journal, kept }: { journal: Journal; kept: bigint },
) {
  const { chainId, epochBlocks, tickBlocks } = chain;
  const regime = new Regime(journal, { schedule, chainId });
  const prices = new Prices(chain.feeds, journal);
  const owners = new Owners(journal, chainId);
  const reconciliation = new Reconciliation(journal);
  const venues = createVenues(chain, { adapters, journal });
  const health = new Health(journal);
  const losses = new Losses(journal);
  // An undo may reach `kept` blocks back, and the lag of the block it reaches is counted from an earlier one still.
  const recent = new RecentBlocks(journal, kept + BigInt(chain.finalityBlocks ?? 0));
  const roster = new Roster(journal);
  const changed = (key: string) => epochs.touchAssessment(key);
  const conditions = new Conditions(journal, { chainId, regime, deploymentHash, changed });
  const epochs = new Epochs({ journal, chainId, epochBlocks, venues, conditions, regime, deploymentHash });
  const measurer = new Measurer({ chain, prices, health, losses, recent });
  const rules = { chainId, regime, measurer, conditions };
  const appraiser = new Appraiser(journal, { ...rules, health });
  const surveyor = new Surveyor({ ...rules, venues });
  const transfers = new Transfers({ ...rules, prices });
  const projection = new Projection({ chainId, prices, venues, appraiser, health, reconciliation });
  const closing = new Closing({ journal, tickBlocks, venues, appraiser, surveyor, projection, epochs, roster });
  const figures = { prices, owners, reconciliation, venues, health, losses, recent, roster };
  return { ...figures, regime, conditions, epochs, measurer, appraiser, surveyor, transfers, projection, closing };
}
