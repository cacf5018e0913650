import type { HypotheticalFinding } from "../../../src/core/harmonization/finding.ts";
import type { OpenPosition } from "../../../src/core/harmonization/matrix.ts";
import { metricId } from "../../../src/core/metrics/catalogue.ts";
import { unitOf } from "../../../src/core/metrics/compute.ts";
import { known as knownMetric } from "../../../src/core/result.ts";
import { applies, type Rule, type Rulebook } from "../../../src/core/rules/rule.ts";
import { compareTo } from "../../../src/core/rules/threshold.ts";
import { ETH_PERP, known, wad } from "../rules/figures.ts";

/** A day on which every rule of the matrix is in force. */
export const DAY = "2026-04-02";
export const ACCOUNT = `eip155:901:0x${"a".repeat(40)}`;
export const PROTOCOL = "eip155:901/perp-v2";

/** An open position in an ETH perpetual unless said otherwise. */
export function position(change: Partial<OpenPosition> & { name?: string } = {}): OpenPosition {
  const { name = "eth", ...rest } = change;
  const market = `${PROTOCOL}/${name}`;
  return {
    id: `${market}/0x${"a".repeat(40)}/1`,
    account: ACCOUNT,
    protocol: PROTOCOL,
    market,
    symbol: name.toUpperCase(),
    underlier: "ETH",
    product: { kind: ETH_PERP.kind, underlierClass: ETH_PERP.underlierClass },
    side: "long",
    notional: wad(1000n),
    reason: null,
    ...rest,
  };
}

/** A rule that measured `value` (18 decimals) on a subject, its condition as comparing says. */
export function finding(rule: Rule, value: bigint, change: Partial<HypotheticalFinding> = {}): HypotheticalFinding {
  const metric = metricId(rule.metric);
  return {
    rule,
    subject: ACCOUNT,
    protocol: PROTOCOL,
    notional: known(wad(1000n)),
    measured: { metric, inputs: {}, result: knownMetric(value, 18, unitOf(metric, "USDC")) },
    condition: compareTo(rule, value),
    reason: null,
    ...change,
  };
}

/** What client rules find on an account of one position that stands at so much leverage, collateral being 1000. */
export function findingsAt(
  rulebook: Rulebook,
  { leverage, of = position() }: { leverage: bigint; of?: OpenPosition },
): HypotheticalFinding[] {
  const notional = leverage * 1000n;
  const values: Readonly<Record<string, bigint>> = {
    "POS.LEVERAGE_OPEN": leverage,
    "POS.MARGIN_RATE": 10n ** 36n / leverage,
    "ACC.CLOSEOUT_RATIO": 10n ** 36n / leverage / 2n,
    "ACC.NET_EQUITY": wad(1000n),
    "ACC.RETAIL_CRYPTO_DERIV_NOTIONAL": notional,
    "ACC.NON_ECP_OFFEXCHANGE_NOTIONAL": notional,
  };
  return rulebook.rules.flatMap((rule) => {
    const value = values[rule.metric];
    if (value === undefined || rule.thresholdWad === null || !applies(rule, { product: of.product, day: DAY }))
      return [];
    const subject = rule.metric.startsWith("POS.") ? of.id : ACCOUNT;
    return [finding(rule, value, { subject, notional: known(notional) })];
  });
}
