import { Counter, Histogram, type Registry } from "prom-client";
import type { Assurance } from "../../src/core/proof/bundle.ts";
import type { Captured, Fault } from "./keeper.ts";

/** Counts captures as they end. */
export type CaptureStats = {
  kept(chain: string, level: Assurance, captured: Pick<Captured, "bytes" | "tookMs">): void;
  failed(chain: string, fault: Fault): void;
};

/** Counters of captures in a registry. */
export function createCaptureStats(registry: Registry): CaptureStats {
  const captures = new Counter({
    name: "supervision_captures_total",
    help: "Evidence captured and kept",
    labelNames: ["chain", "level"],
    registers: [registry],
  });
  const failures = new Counter({
    name: "supervision_capture_failures_total",
    help: "Attempts to capture evidence that failed, by reason",
    labelNames: ["chain", "reason"],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: "supervision_capture_seconds",
    help: "How long a capture took that was kept",
    labelNames: ["chain", "level"],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers: [registry],
  });
  const bytes = new Histogram({
    name: "supervision_capture_bytes",
    help: "Bytes of evidence that was kept, code included",
    labelNames: ["chain", "level"],
    buckets: [10_000, 50_000, 100_000, 200_000, 300_000, 400_000],
    registers: [registry],
  });
  return {
    kept(chain, level, captured) {
      captures.inc({ chain, level });
      seconds.observe({ chain, level }, captured.tookMs / 1_000);
      bytes.observe({ chain, level }, captured.bytes);
    },
    failed: (chain, reason) => failures.inc({ chain, reason }),
  };
}
