import { readFileSync } from "node:fs";
import { adapterOf } from "../../../src/adapters/catalogue.ts";
import type { Adapter, ProtocolViews } from "../../../src/core/adapter.ts";
import type { Assessment } from "../../../src/core/assessment.ts";
import { deploymentHash, deploymentJson, parseDeployment } from "../../../src/core/deployment.ts";
import type { Hex } from "../../../src/core/ids.ts";
import type { Product } from "../../../src/core/margin-model.ts";
import { asked, type ViewCall } from "../../../src/core/proof/ask.ts";
import type { Evidence } from "../../../src/core/proof/bundle.ts";
import type { Json } from "../../../src/core/proof/canonical.ts";
import { type Figure, makeFigureProof } from "../../../src/core/proof/figure-proof.ts";
import type { Trust, TrustedBlock } from "../../../src/core/proof/verify.ts";
import type { Witness } from "../../../src/core/proof/witness.ts";
import { DISCLOSED, type SampleOptions, sampleAssessment, sampleBundle, TRUST } from "./sample.ts";
import recorded from "./witness.fixture.json" with { type: "json" };

/**
 * A witness of two calls, recorded on the devnet's Perp v2 chain: what the vault holds, and a price. Here a made-up
 * adapter reads them as an account's equity and the price of the ten thousand units it is long.
 */
const { trust, calls, block } = recorded as unknown as {
  trust: { chainId: number; blockHash: Hex };
  calls: ViewCall[];
  block: { number: string; timestamp: string };
};
export const CALLS: readonly ViewCall[] = calls;
export const WITNESS = recorded.witness as unknown as Witness;
export const BLOCK: TrustedBlock = { chain: "eip155:901", number: block.number, hash: trust.blockHash };

const deployment = parseDeployment(
  readFileSync(new URL("../../../deployments/devnet.json", import.meta.url), "utf8"),
  "devnet",
);
export const DEPLOYMENT: Json = deploymentJson(deployment);
export const DEPLOYMENT_HASH: Hex = deploymentHash(deployment);

const known = (value: bigint) => ({ value, reason: null });
const unknown = { value: null, reason: "PROTOCOL_HIDES_STATE" } as const;

/** Units with 18 decimals, long. */
const SIZE = 10_000n * 10n ** 18n;

const views: ProtocolViews = {
  *account() {
    const [held = "0x", round = "0x"] = yield* asked(calls);
    const price = BigInt(`0x${round.slice(66, 130)}`) * 10n ** 10n;
    const notional = known((SIZE * price) / 10n ** 18n);
    const position = {
      ...{ market: "0xbase", size: SIZE, markPrice: known(price), notional },
      ...{ unrealizedPnl: unknown, fundingAccrued: unknown, maintenance: unknown, liquidationPrice: unknown },
    };
    const group = {
      ...{ key: "", equity: known(BigInt(held) * 10n ** 12n), grossNotional: notional },
      ...{ collateral: unknown, maintenance: unknown, positions: [position] },
    };
    const product: Product = {
      ...({ kind: "PERPETUAL", payoff: "LINEAR", underlierClass: "crypto", underlier: "ETH" } as const),
      ...{ power: 1, expirySeconds: null, strike: null },
    };
    return { account: { groups: [group] }, marketOf: () => ({ product }) };
  },
  *custody() {
    yield* asked(calls);
    return { held: 0n, owed: {} };
  },
};

/** Perp v2 with the made-up views, and with others where a test wants them. */
export function adapterWith(changes: Partial<ProtocolViews> = {}): Trust["adapterOf"] {
  return (protocol): Adapter => {
    const adapter = adapterOf(protocol);
    return protocol === "perp-v2" ? { ...adapter, views: { ...views, ...changes } } : adapter;
  };
}

const measurement = {
  deploymentHash: DEPLOYMENT_HASH,
  blockNumber: BLOCK.number,
  blockHash: BLOCK.hash,
  blockTimestamp: block.timestamp,
  inputs: {
    equity: (BigInt(recorded.returned[0] as string) * 10n ** 12n).toString(),
    "notional.crypto": "20000000000000000000000000",
    "rate.crypto": "500000000000000000",
  },
  measured: "340744076399000000",
};

export function provenAssessment(changes: Partial<Assessment> = {}): Assessment {
  return sampleAssessment({ ...measurement, ...changes });
}

const EVIDENCE: Evidence = { kind: "calls", witness: WITNESS };

export function provenBundle(options: SampleOptions = {}): Uint8Array {
  const assessment = options.assessment ?? provenAssessment();
  return sampleBundle({ evidence: EVIDENCE, deployment: DEPLOYMENT, ...options, assessment });
}

export function sampleFigure(changes: Partial<Figure> = {}): Figure {
  const { id, condition, operator, threshold, testPoint, ...rest } = provenAssessment();
  return { ...rest, testPoint: "end", ...changes };
}

export function figureProof(
  figure: Figure = sampleFigure(),
  { rulebook = DISCLOSED, witness = WITNESS, deployment = DEPLOYMENT } = {},
): Uint8Array {
  return makeFigureProof({ rulebook: figure.ruleId === null ? null : rulebook, figure, deployment, witness });
}

/** What a verifier brings who trusts the block, and no log. */
export const BLOCK_TRUST: Trust = { ...TRUST, logKeys: [], blocks: [BLOCK], adapterOf: adapterWith() };
