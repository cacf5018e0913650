import type { Adapter } from "../../core/adapter.ts";
import { decode } from "./decode.ts";
import { createSynthetixPerpsV2 } from "./model.ts";
import { PROTOCOL, READ_ABIS, sources, storageTotals } from "./sources.ts";
import { statedInputs } from "./stated.ts";
import { views } from "./views.ts";

/** Synthetix v2 perps ("Perps v2", Kwenta) as deployed on Optimism. */
export const synthetixPerpsV2: Adapter = {
  protocol: PROTOCOL,
  sources,
  decode,
  createModel: (given) => createSynthetixPerpsV2(given),
  storageTotals,
  views,
  statedInputs,
  readAbis: READ_ABIS,
};
