import { max, WAD } from "../fixed.ts";
import { type Formula, need } from "./metric.ts";

/** Metrics of a whole chain. */
export const CHAIN_METRICS = {
  "SYS.FINALITY_LAG_S": {
    title: "Time from the block that counts as final to the last one",
    unit: "seconds",
    rounding: "exact",
    authority: "regulatory text",
    fraction: null,
    variants: [
      {
        formula: "now − finalTimestamp, the timestamp of the block the deployment's `finalityBlocks` before",
        inputs: ["now", "finalTimestamp"],
        evaluate: (i) => max(0n, need(i, "now") - need(i, "finalTimestamp")) * WAD,
      },
    ],
  },
} satisfies Record<string, Formula>;
