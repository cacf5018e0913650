import type { IndexerClient } from "../feed/client.ts";

/** Figures of a position at its chain's head; `null` where unknown, with `reason`. */
export const POSITION_CURRENT = `
  type positionCurrent {
    side: String size: String entryPrice: String markPrice: String notional: String unrealizedPnl: String
    fundingAccrued: String collateral: String equity: String maintenanceMargin: String marginRatio: String
    marginShortfall: String leverage: String liquidationPrice: String liquidationPriceReason: String
    liquidationDistance: String unit: String decimals: Int reason: String asOf: AsOf!
  }`;

/** Figures of an account at its chain's head; `null` where unknown, with `reason`. */
export const ACCOUNT_CURRENT = `
  type accountCurrent {
    grossNotional: String netEquity: String leverage: String positionCount: Int unit: String decimals: Int
    reason: String asOf: AsOf!
  }`;

type Kind = "positions" | "accounts";
type Waiting = { id: string; resolve(value: unknown): void; reject(error: unknown): void };
type Batch = Record<Kind, Waiting[]>;

/**
 * Loads current figures. All subjects one answer asks for go to the indexer in one request, so that they are of one
 * moment.
 */
export function currentLoader(indexer: IndexerClient) {
  const batches = new WeakMap<object, Batch>();

  async function send(context: object): Promise<void> {
    const batch = batches.get(context);
    batches.delete(context);
    if (batch === undefined) return;
    const ids = (kind: Kind) => [...new Set(batch[kind].map((item) => item.id))];
    try {
      const figures = await indexer.current({ positions: ids("positions"), accounts: ids("accounts") });
      for (const kind of ["positions", "accounts"] as const) {
        for (const item of batch[kind]) item.resolve(figures[kind][item.id] ?? null);
      }
    } catch (error) {
      for (const item of [...batch.positions, ...batch.accounts]) item.reject(error);
    }
  }

  return (kind: Kind, id: string, context: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      let batch = batches.get(context);
      if (batch === undefined) {
        batch = { positions: [], accounts: [] };
        batches.set(context, batch);
        setImmediate(() => void send(context));
      }
      batch[kind].push({ id, resolve, reject });
    });
}
