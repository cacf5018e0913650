/** Who trades, and what they do next. */
import type { Random } from "../../devnet/market/random.ts";
import { WAD } from "../../src/core/fixed.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { LogSpec } from "./log.ts";
import type { PerpSession } from "./perp-v2.ts";
import type { PriceFeeds } from "./prices.ts";
import { accountOf, SYNTHETIX_UNDERLIERS, UNDERLIERS, type Underlier } from "./setting.ts";
import type { SynthetixSession } from "./synthetix.ts";

type Trader = { address: Hex; onPerp: boolean; onSynthetix: boolean };
type Sessions = { prices: PriceFeeds; perp: PerpSession; synthetix: SynthetixSession };

/** Accounts looked at for liquidation in a block are one in this many, in turn, so that some stand under water a while. */
const LIQUIDATION_TURNS = 8;
/** Keepers act at these parts of the notional, in millionths: a little below the protocols' own requirements. */
const PERP_KEEPER_RATIO = 60_000n;
const SYNTHETIX_KEEPER_RATIO = 11_000n;
const SMALLEST_DEPOSIT_USD = 1_000;
const LARGEST_DEPOSIT_USD = 20_000;
const LEVERAGES = [1n, 1n, 2n, 2n, 3n, 4n, 6n, 8n] as const;
/** Below this an account on Perp v2 pays in before it trades. */
const POOR = 500n * WAD;

export type Cast = {
  /** One thing some trader does: the transactions it takes. */
  act(random: Random, timestamp: bigint): LogSpec[][];
  /** What keepers close in this block. */
  liquidations(at: { index: number; timestamp: bigint; random: Random }): LogSpec[][];
};

/**
 * A cast of `count` accounts: about three fifths trade on Perp v2, three fifths on Synthetix, one fifth on both. They
 * come to the market one after another, and from the last one's arrival act at random.
 */
export function createCast(count: number, sessions: Sessions): Cast {
  const traders = Array.from({ length: count }, (_, i) => ({
    address: accountOf(i),
    onPerp: i % 5 < 3,
    onSynthetix: i % 5 >= 2,
  }));
  let arrived = 0;
  return {
    act: (random, timestamp) => {
      const isNew = arrived < count && random.chance(250);
      if (isNew) arrived++;
      const trader = traders[isNew || arrived === 0 ? Math.max(arrived - 1, 0) : random.below(arrived)] as Trader;
      const onPerp = trader.onPerp && (!trader.onSynthetix || random.chance(500));
      const scene = { trader, random, timestamp, sessions };
      return onPerp ? actOnPerp(scene) : actOnSynthetix(scene);
    },
    liquidations: ({ index, timestamp, random }) => {
      const sent: LogSpec[][] = [];
      for (let i = index % LIQUIDATION_TURNS; i < arrived; i += LIQUIDATION_TURNS) {
        sent.push(...liquidated({ trader: traders[i] as Trader, random, timestamp, sessions }));
      }
      return sent;
    },
  };
}

type Scene = { trader: Trader; random: Random; timestamp: bigint; sessions: Sessions };

function actOnPerp({ trader, random, timestamp, sessions }: Scene): LogSpec[][] {
  const { perp, prices } = sessions;
  const { address } = trader;
  const account = perp.account(address);
  const { equity, notional } = perp.worth(account);
  if (equity < POOR) return [perp.deposit(address, dollars(random) - (equity < 0n ? equity : 0n))];
  const [held] = account.positions;
  if (held !== undefined && random.chance(450)) {
    const [underlier, { size }] = held;
    const base = random.chance(400) ? -size : -(size * BigInt(random.between(200, 1_600))) / 1_000n;
    return [perp.trade(address, underlier, { base, timestamp })];
  }
  if (held === undefined && random.chance(100)) return [perp.deposit(address, -equity / 2n)];
  const room = equity * random.pick(LEVERAGES) - notional;
  if (room < 100n * WAD) return [perp.deposit(address, dollars(random))];
  const { underlier } = random.pick(UNDERLIERS);
  const size = (room * WAD) / prices.price(underlier);
  return [perp.trade(address, underlier, { base: random.chance(520) ? size : -size, timestamp })];
}

function actOnSynthetix({ trader, random, timestamp, sessions }: Scene): LogSpec[][] {
  const { synthetix, prices } = sessions;
  const { address } = trader;
  const underlier = homeMarket(trader, random);
  const { size } = synthetix.position(address, underlier);
  const { equity, notional } = synthetix.worth(address, underlier);
  const price = prices.price(underlier);
  if (equity < POOR) {
    // Nobody pays into a position that is lost; it is left to the keepers.
    if (size !== 0n && equity < 0n) return [];
    return [synthetix.transfer(address, underlier, { amount: dollars(random), timestamp })];
  }
  if (size !== 0n && random.chance(450)) {
    const part = random.chance(400) ? -size : -(size * BigInt(random.between(200, 1_600))) / 1_000n;
    return [synthetix.trade(address, underlier, { size: part, timestamp })];
  }
  if (size === 0n && random.chance(150)) {
    return [synthetix.transfer(address, underlier, { amount: -equity / 2n, timestamp })];
  }
  const room = equity * random.pick(LEVERAGES) - notional;
  if (room < 100n * WAD) {
    return [synthetix.transfer(address, underlier, { amount: dollars(random), timestamp })];
  }
  const traded = (room * WAD) / price;
  return [synthetix.trade(address, underlier, { size: isShort(size, random) ? -traded : traded, timestamp })];
}

function liquidated({ trader, timestamp, sessions }: Scene): LogSpec[][] {
  const { perp, synthetix } = sessions;
  const { address } = trader;
  const sent: LogSpec[][] = [];
  const account = perp.accounts.get(address);
  if (account !== undefined && account.positions.size > 0) {
    const { equity, notional } = perp.worth(account);
    if (equity * 1_000_000n < notional * PERP_KEEPER_RATIO) {
      for (const underlier of [...account.positions.keys()]) sent.push(perp.liquidate(address, underlier, timestamp));
    }
  }
  if (!trader.onSynthetix) return sent;
  for (const underlier of SYNTHETIX_UNDERLIERS) {
    const { equity, notional } = synthetix.worth(address, underlier);
    if (notional > 0n && equity * 1_000_000n < notional * SYNTHETIX_KEEPER_RATIO) {
      sent.push(synthetix.liquidate(address, underlier, timestamp));
    }
  }
  return sent;
}

/** Most stay in one market, so that isolated accounts hold positions long enough to be in danger. */
function homeMarket({ address }: Trader, random: Random): Underlier {
  const home = Number.parseInt(address.slice(-2), 16) % SYNTHETIX_UNDERLIERS.length;
  return random.chance(850) ? (SYNTHETIX_UNDERLIERS[home] as Underlier) : random.pick(SYNTHETIX_UNDERLIERS);
}

/** An increase keeps its direction. */
function isShort(size: bigint, random: Random): boolean {
  return size === 0n ? random.chance(480) : size < 0n;
}

function dollars(random: Random): bigint {
  return BigInt(random.between(SMALLEST_DEPOSIT_USD, LARGEST_DEPOSIT_USD)) * WAD;
}
