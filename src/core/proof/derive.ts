/**
 * From an assessment to what proves its inputs: which of a protocol's views to ask, at which account, and how the named
 * inputs follow. Nothing of it is taken from whoever hands in a proof: it follows from the assessment, the rule and the
 * deployment.
 */
import type { ProtocolViews } from "../adapter.ts";
import type { Assessment } from "../assessment.ts";
import { MAX_CREDITORS } from "../custody.ts";
import { InputError } from "../errors.ts";
import { assetId, caip10, chainIdOf, type Hex, protocolId } from "../ids.ts";
import type { AssetDeployment, ChainDeployment, Deployment, Product, ProtocolDeployment } from "../margin-model.ts";
import { type AccountMetric, accountInputs, positionInputs } from "../metrics/figures.ts";
import { type InputsOf, type MetricOf, without } from "../metrics/inputs.ts";
import { custodyInputs } from "../metrics/subject-inputs.ts";
import { parametersOf } from "../rules/parameters.ts";
import { inScope, type Rule } from "../rules/rule.ts";
import type { Ask } from "./ask.ts";

/** As much of an assessment as says what is to be proven. */
export type Provable = Pick<
  Assessment,
  "chain" | "protocol" | "subject" | "account" | "testPoint" | "metric" | "inputs" | "blockTimestamp"
>;

/** What the derivation rests on. `rule` is null for a figure no rule has asked for. */
export type Grounds = {
  rule: Rule | null;
  deployment: Deployment;
  viewsOf: (protocol: string) => ProtocolViews | undefined;
};

/** An ask for a metric's inputs, or why there is none: one sentence. */
export type Derivation = { ask: () => Ask<InputsOf>; reason: null } | { ask: null; reason: string };

const ACCOUNT_METRICS: ReadonlySet<string> = new Set<AccountMetric>([
  "ACC.MARGIN_RATIO",
  "ACC.CLOSEOUT_RATIO",
  "ACC.NET_EQUITY",
  "ACC.LEVERAGE",
  "ACC.GROSS_NOTIONAL",
  "ACC.RETAIL_CRYPTO_DERIV_NOTIONAL",
  "ACC.NON_ECP_OFFEXCHANGE_NOTIONAL",
  "ACC.RETAIL_MARGIN_NOTIONAL",
]);

const POSITION_METRICS: ReadonlySet<string> = new Set<MetricOf<"POS">>([
  "POS.MARGIN_RATIO",
  "POS.MARGIN_SHORTFALL",
  "POS.LEVERAGE_EFFECTIVE",
  "POS.EQUITY_RATE",
]);

const CUSTODY = "AST.CUSTODY_COVERAGE";
const OWED = "owed.";
const ADDRESS = /^0x[0-9a-f]{40}$/;

/**
 * Whether views can prove a metric at a test point at all: those of the end of a block. The state between two logs of a
 * block is in no header.
 */
export function isProvable(metric: string, testPoint: string): boolean {
  const isKnown = ACCOUNT_METRICS.has(metric) || POSITION_METRICS.has(metric) || metric === CUSTODY;
  return isKnown && (testPoint === "end" || testPoint.startsWith("day:") || testPoint.startsWith("epoch:"));
}

/** How the inputs of an assessment follow from its protocol's own views. */
export function derive(about: Provable, grounds: Grounds): Derivation {
  const { metric, testPoint } = about;
  if (!isProvable(metric, testPoint)) {
    return no(`${metric} at ${testPoint} does not follow from view calls at the end of a block.`);
  }
  const place = placeOf(about, grounds);
  if ("reason" in place) return no(place.reason);
  const { rule } = grounds;
  const isAbout = rule?.scope.protocols?.includes(place.config.protocol) ?? true;
  if (rule !== null && !isAbout) return no(`Rule ${rule.id} is not about ${place.config.protocol}.`);
  if (metric === CUSTODY) return custodyOf(about, place);
  if (rule !== null && parametersOf(rule, about.metric as AccountMetric).currency !== null) {
    return no(`Rule ${rule.id} states ${metric} in a currency, and no view of the protocol gives its rate.`);
  }
  return metric.startsWith("POS.") ? positionOf(about, { place, rule }) : accountOf(about, { place, rule });
}

type Place = { chain: ChainDeployment; config: ProtocolDeployment; views: ProtocolViews };

function placeOf({ chain: id, protocol }: Provable, { deployment, viewsOf }: Grounds): Place | { reason: string } {
  const chain = deployment.chains.find(({ chainId }) => chainId === chainIdOf(id));
  const config = chain?.protocols.find((entry) => protocolId(chain.chainId, entry.protocol) === protocol);
  if (chain === undefined || config === undefined) return { reason: `The deployment has no protocol ${protocol}.` };
  const views = viewsOf(config.protocol);
  return views === undefined ? { reason: `No view of ${config.protocol} states margin.` } : { chain, config, views };
}

function accountOf({ metric, subject }: Provable, { place, rule }: { place: Place; rule: Rule | null }): Derivation {
  const { chain, config, views } = place;
  const address = holderOf(subject, chain);
  if (address === null) return no(`${subject} is no account of chain ${chain.chainId}.`);
  const terms = rule === null ? {} : termsOf(rule, metric as AccountMetric);
  return yes(function* () {
    const held = yield* views.account({ chain, config, address, market: null });
    const positions = held.account.groups.flatMap((group) => group.positions);
    // Of an account without a position a rule may still be asked.
    if (positions.length > 0)
      requireInScope(
        rule,
        positions.map((one) => held.marketOf(one.market).product),
      );
    return accountInputs(metric as AccountMetric, { ...held, ...terms });
  });
}

function termsOf(rule: Rule, metric: AccountMetric) {
  const { rates, counts } = parametersOf(rule, metric);
  return { rates, counts };
}

/** Whoever makes a proof may name any rule: it has to be about something that is held. */
function requireInScope(rule: Rule | null, products: readonly Product[]): void {
  if (rule === null || products.some((product) => inScope(rule, product))) return;
  throw new InputError(`Rule ${rule.id} is about none of the products that are held.`);
}

/** A position is named by market and holder. Which stretch of it the record means, no view says. */
function positionOf(
  { metric, subject, protocol, account }: Provable,
  { place: { chain, config, views }, rule }: { place: Place; rule: Rule | null },
): Derivation {
  const [, market, address] = /^([^/]+)\/([^/]+)\/[1-9]\d*$/.exec(partAfter(`${protocol}/`, subject)) ?? [];
  const isTheirs = account !== null && holderOf(account, chain) === address;
  if (market === undefined || address === undefined || !isTheirs) {
    return no(`${subject} is no position of ${account} in ${protocol}.`);
  }
  return yes(function* () {
    const { account, marketOf } = yield* views.account({ chain, config, address: address as Hex, market });
    for (const group of account.groups) {
      const position = group.positions.find((one) => one.market === market);
      if (position === undefined) continue;
      const context = marketOf(market);
      requireInScope(rule, [context.product]);
      return positionInputs(metric as MetricOf<"POS">, { group, position, market: context });
    }
    return without("NO_POSITION");
  });
}

function custodyOf({ subject, inputs }: Provable, { chain, config, views }: Place): Derivation {
  const assets: readonly AssetDeployment[] = [config.settlement, ...(config.collateral ?? [])];
  const asset = assets.find(({ address }) => assetId(chain.chainId, address) === subject);
  if (asset === undefined) return no(`The deployment has no collateral ${subject} of ${config.protocol}.`);
  const creditors = Object.keys(inputs).flatMap((name) => (name.startsWith(OWED) ? [name.slice(OWED.length)] : []));
  if ("owed" in inputs || creditors.length > MAX_CREDITORS) {
    return no(`More than ${MAX_CREDITORS} creditors are owed something, too many for one proof.`);
  }
  return yes(function* () {
    return custodyInputs(yield* views.custody({ chain, config, asset, members: creditors }));
  });
}

function partAfter(prefix: string, subject: string): string {
  return subject.startsWith(prefix) ? subject.slice(prefix.length) : "";
}

function holderOf(subject: string, { chainId }: ChainDeployment): Hex | null {
  const [prefix, address] = [caip10(chainId, ""), subject.slice(-42)];
  return subject === prefix + address && ADDRESS.test(address) ? (address as Hex) : null;
}

function yes(ask: () => Ask<InputsOf>): Derivation {
  return { ask, reason: null };
}

function no(reason: string): Derivation {
  return { ask: null, reason };
}
