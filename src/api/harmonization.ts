import { assessNow } from "../core/book/assess-now.ts";
import type { Book } from "../core/book/book.ts";
import { InputError } from "../core/errors.ts";
import type { BlockRef } from "../core/event.ts";
import { classify } from "../core/harmonization/classification.ts";
import { divergenceOf, type Standing, standingsOf } from "../core/harmonization/divergence.ts";
import { aboutPosition, matrixOf } from "../core/harmonization/matrix.ts";
import { presentDivergence, presentMargin, presentPosition } from "../core/harmonization/present.ts";
import { regulatoryMargin } from "../core/harmonization/regulatory-margin.ts";
import {
  clientRoles,
  concernsAny,
  type Role,
  type RoleQuery,
  rolesFor,
  selectJurisdictions,
} from "../core/harmonization/roles.ts";
import { caip10, type Hex } from "../core/ids.ts";
import { dayOf, isDay } from "../core/rules/day.ts";
import { canBeBroken } from "../core/rules/judge.ts";
import type { Rule } from "../core/rules/rule.ts";
import { runtime } from "../indexing/runtime.ts";
import { asOf, marketOf, openPositions, standingSoon, whomOf } from "./subjects.ts";

/** Positions a divergence names, at most; the sums are over all. */
const NAMED_LIMIT = 100;
/** Accounts looked at between two chances for a block to be folded. */
const ACCOUNTS_AT_ONCE = 200;

/** A question about roles under the rules of a UTC day; that of the last block when absent. */
export type ComparisonQuery = RoleQuery & { date?: string | undefined };

/**
 * The matrix of an account or open position at its chain's last whole block.
 * @throws InputError for a subject, day, jurisdiction or class that is not known.
 */
export async function matrixNow(subject: string, query: ComparisonQuery) {
  const asked = await whomOf(subject);
  const { book, block, address, account, position } = asked;
  const { rulebook } = book;
  const day = dayFor(query.date, block.timestamp);
  const roles = rolesFor(rulebook, query);
  const held = openPositions(asked);
  const all = assessNow(book, { account: address, date: day, only: (rule) => concernsAny(rule, roles) });
  const one = held.find((p) => p.id === position);
  if (position !== null && one === undefined) throw new InputError("The position is not open now.");
  const positions = one === undefined ? held : [one];
  const findings = one === undefined ? all : aboutPosition(all, one);
  return {
    ...{ subject: position ?? account, account, date: day, rulebookHash: rulebook.hash },
    asOf: asOf(book.chain.chainId, block),
    positions: positions.map(presentPosition),
    ...matrixOf(rulebook, { positions, findings, day, roles }),
  };
}

/** A question about everybody as one client class, under the rules of a UTC day; the latest block's when absent. */
export type DivergenceQuery = {
  jurisdictions?: string[] | undefined;
  clientClass: string;
  date?: string | undefined;
};

/** The last answers to divergence questions, while they are being made and a little after. */
const recent = new Map<string, { asked: number; answer: ReturnType<typeof measureDivergence> }>();
const FRESH_MS = 5_000;
const RECENT_LIMIT = 16;

/**
 * How all open positions stand in every selected jurisdiction. It is the one question that looks at everybody, so the
 * same question asked again within a few seconds gets the same answer.
 * @throws InputError for a day, jurisdiction or class that is not known.
 */
export function divergenceNow(query: DivergenceQuery): ReturnType<typeof measureDivergence> {
  const key = JSON.stringify([query.date, query.clientClass, query.jurisdictions]);
  const known = recent.get(key);
  if (known !== undefined && Date.now() - known.asked < FRESH_MS) return known.answer;
  const answer = measureDivergence(query);
  answer.catch(() => recent.delete(key));
  recent.delete(key);
  for (const oldest of recent.keys()) if (recent.size >= RECENT_LIMIT) recent.delete(oldest);
  recent.set(key, { asked: Date.now(), answer });
  return answer;
}

/**
 * Accounts are looked at in parts, between which blocks are folded, so that no chain waits; `asOf` is where the first
 * part was taken. Each chain's rules are those in force there, leverage and its gap are of the newest rulebook.
 */
async function measureDivergence(query: DivergenceQuery) {
  const { rulebook, books } = runtime();
  const roles = clientRoles(rulebook, query);
  const chains: { chainId: number; block: BlockRef }[] = [];
  for (const chainId of books.keys()) chains.push({ chainId, block: (await standingSoon(chainId)).block });
  const latest = chains.reduce((time, { block }) => (block.timestamp > time ? block.timestamp : time), 0n);
  const day = dayFor(query.date, latest);
  const standings: Standing[] = [];
  for (const { chainId } of chains) standings.push(...(await standingsOn(chainId, { roles, day })));
  return {
    ...{ date: day, rulebookHash: rulebook.hash },
    asOf: chains.map(({ chainId, block }) => asOf(chainId, block)),
    ...presentDivergence(divergenceOf(rulebook, { standings, roles, day, limit: NAMED_LIMIT })),
  };
}

/**
 * What rules make of a market's contract and of its protocol's collateral.
 * @throws InputError for a market, day or jurisdiction that is not known.
 */
export async function classificationNow(
  id: string,
  query: { jurisdictions?: string[] | undefined; date?: string | undefined },
) {
  const { book, venue, block, key } = await marketOf(id);
  const { rulebook } = book;
  const day = dayFor(query.date, block.timestamp);
  const asked = query.jurisdictions?.length
    ? selectJurisdictions(rulebook, query.jurisdictions).map((j) => j.code)
    : null;
  const jurisdictions = new Set(asked ?? rulebook.rules.map((rule) => rule.jurisdiction));
  const market = venue.figures.market(key, block.timestamp);
  const assets = [venue.config.settlement, ...(venue.config.collateral ?? [])];
  const { symbol, product } = market;
  const { kind, underlier, underlierClass } = product;
  return {
    ...{
      market: `${venue.prefix}${key}`,
      protocol: venue.id,
      symbol,
      kind,
      underlier,
      underlierClass,
      date: day,
      rulebookHash: rulebook.hash,
    },
    asOf: asOf(book.chain.chainId, block),
    ...classify({ market, assets }, { rulebook, day, jurisdictions }),
  };
}

/**
 * Regulatory margin of an account, protocol by protocol, under every official treatment of its collateral.
 * @throws InputError for a subject that is no account, or a day.
 */
export async function regulatoryMarginNow(subject: string, query: { date?: string | undefined }) {
  const { book, block, address, account, position } = await whomOf(subject);
  const { rulebook } = book;
  if (position !== null)
    throw new InputError("Regulatory margin is of an account like eip155:901:0x…, not of a position.");
  const day = dayFor(query.date, block.timestamp);
  const now = block.timestamp;
  const protocols = book.venues.flatMap((venue) => {
    const { settlement, collateral } = venue.config;
    const holdings = venue.model.holdings(address, now);
    const figures = venue.figures.account(address, now);
    if (holdings.length === 0 && figures.groups.length === 0) return [];
    const posted = {
      holdings: () => holdings,
      assetOf: (symbol: string) => [settlement, ...(collateral ?? [])].find((asset) => asset.symbol === symbol),
      pricedAt: (feed: string) => book.prices.latest(feed)?.updatedAt ?? null,
      now,
    };
    const marketOf = (key: string) => venue.figures.market(key, now);
    const of = { account: figures, marketOf, posted, unit: venue.model.unit };
    return [{ protocol: venue.id, ...presentMargin(regulatoryMargin(rulebook, { subject: of, day })) }];
  });
  return { account, date: day, rulebookHash: rulebook.hash, asOf: asOf(book.chain.chainId, block), protocols };
}

async function standingsOn(
  chainId: number,
  { roles, day }: { roles: readonly Role[]; day: string },
): Promise<Standing[]> {
  const standings: Standing[] = [];
  const only = (rule: Rule) => canBeBroken(rule) && concernsAny(rule, roles);
  const addresses = addressesOf((await standingSoon(chainId)).book);
  for (let i = 0; i < addresses.length; i += ACCOUNTS_AT_ONCE) {
    const { book, block } = await standingSoon(chainId);
    for (const address of addresses.slice(i, i + ACCOUNTS_AT_ONCE)) {
      const positions = openPositions({ book, block, address, account: caip10(chainId, address) });
      if (positions.length === 0) continue;
      standings.push(
        ...standingsOf({ positions, findings: assessNow(book, { account: address, date: day, only }) }, roles),
      );
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return standings;
}

function addressesOf(book: Book): Hex[] {
  return [...new Set(book.venues.flatMap((venue) => venue.model.addresses()))];
}

function dayFor(date: string | undefined, timestamp: bigint): string {
  if (date === undefined) return dayOf(timestamp);
  if (!isDay(date)) throw new InputError(`The date is "${date}"; expected a UTC day like 2026-04-02.`);
  return date;
}
