import type { Adapter } from "../adapter.ts";
import { InvariantError } from "../errors.ts";
import { protocolId } from "../ids.ts";
import type { ChainDeployment, MarginModel, ProtocolDeployment } from "../margin-model.ts";
import { Figures } from "./figures.ts";
import type { Journal } from "./journal.ts";
import { Watch } from "./watch.ts";

/** One protocol of one chain, as the book runs it. Market ids of the venue start with `prefix`. */
export type Venue = {
  id: string;
  prefix: string;
  config: ProtocolDeployment;
  adapter: Adapter;
  model: MarginModel;
  figures: Figures;
  watch: Watch;
};

/** The chain's venues, in the deployment's order. */
export function createVenues(
  chain: ChainDeployment,
  { adapters, journal }: { adapters: readonly Adapter[]; journal: Journal },
): Venue[] {
  return chain.protocols.map((config) => {
    const adapter = adapters.find((a) => a.protocol === config.protocol);
    if (adapter?.createModel == null)
      throw new InvariantError(`No adapter with a margin model for ${config.protocol}.`);
    const id = protocolId(chain.chainId, config.protocol);
    const model = adapter.createModel({ chainId: chain.chainId, config, feeds: chain.feeds, journal });
    return { id, prefix: `${id}/`, config, adapter, model, figures: new Figures(model), watch: new Watch() };
  });
}
