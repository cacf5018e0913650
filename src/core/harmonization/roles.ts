/**
 * Whom a hypothetical judgement supposes the holder to be. Each role is one class in one jurisdiction and nothing else:
 * a retail client in Japan, a bank in the EU.
 */
import { InputError } from "../errors.ts";
import { type Judgement, judgeBy } from "../rules/judge.ts";
import type { Rule, Rulebook } from "../rules/rule.ts";
import type { HypotheticalFinding } from "./finding.ts";

/** A supposed holder. `facts` are the made-up facts that say so: predicate → object. */
export type Role = {
  jurisdiction: string;
  clientClass: string | null;
  entityClass: string | null;
  facts: ReadonlyMap<string, string>;
};

/** Which roles are asked for; absent means all places, and all client classes of each, and no entity class. */
export type RoleQuery = {
  jurisdictions?: readonly string[] | undefined;
  clientClasses?: readonly string[] | undefined;
  entityClasses?: readonly string[] | undefined;
};

/**
 * The word for the class a jurisdiction protects most, whatever its own law calls it: the first of the file's
 * `clientClasses` (Japan: `individual`).
 */
export const PROTECTED_CLASS = "retail";

/** A jurisdiction of a rulebook. Standards, benchmarks and the protocols' own rules bind no place and cover nothing. */
export type Jurisdiction = {
  code: string;
  covers: readonly string[];
  clientClasses: readonly string[];
  entityClasses: readonly string[];
};

/** Jurisdictions of a rulebook, in its order. */
function jurisdictionsOf(rulebook: Rulebook): Jurisdiction[] {
  const codes = [...new Set(rulebook.rules.map((rule) => rule.jurisdiction))];
  return codes.map((code) => {
    const rules = rulebook.rules.filter((rule) => rule.jurisdiction === code);
    const [first] = rules as [Rule];
    const entityClasses = [...new Set(rules.flatMap((rule) => rule.entityClasses ?? []))];
    return { code, covers: first.covers, clientClasses: first.knownClientClasses, entityClasses };
  });
}

/**
 * The jurisdictions of these codes, or all places when none are given. What binds no place is asked for by its code.
 * @throws InputError for a code the rulebook does not have.
 */
export function selectJurisdictions(rulebook: Rulebook, codes: readonly string[] | undefined): Jurisdiction[] {
  const all = jurisdictionsOf(rulebook);
  if (codes === undefined || codes.length === 0) return all.filter(({ covers }) => covers.length > 0);
  return [...new Set(codes)].map((code) => {
    const found = all.find((j) => j.code.toUpperCase() === code.toUpperCase());
    if (found === undefined) {
      throw new InputError(`There are no rules of "${code}"; expected one of ${all.map((j) => j.code).join(", ")}.`);
    }
    return found;
  });
}

/**
 * The roles a question is about, jurisdiction by jurisdiction. A class that only some of the jurisdictions know gives
 * roles in those; `retail` means the class each protects most.
 * @throws InputError for a jurisdiction the rulebook does not have, or a class that none of the selected ones knows.
 */
export function rolesFor(rulebook: Rulebook, query: RoleQuery): Role[] {
  const jurisdictions = selectJurisdictions(rulebook, query.jurisdictions);
  const entityClasses = query.entityClasses ?? [];
  for (const name of query.clientClasses ?? []) {
    if (name === PROTECTED_CLASS || jurisdictions.some((j) => j.clientClasses.includes(name))) continue;
    const known = new Set(jurisdictions.flatMap((j) => j.clientClasses));
    throw new InputError(`"${name}" is no client class here; expected one of ${[...known].join(", ")}.`);
  }
  for (const name of entityClasses) {
    if (jurisdictions.some((j) => j.entityClasses.includes(name))) continue;
    const known = new Set(jurisdictions.flatMap((j) => j.entityClasses));
    throw new InputError(`No rule here binds the entity class "${name}"; expected one of ${[...known].join(", ")}.`);
  }
  return jurisdictions.flatMap((jurisdiction) => [
    ...clientClassesOf(jurisdiction, query.clientClasses).map((clientClass) =>
      roleOf(jurisdiction, { clientClass, entityClass: null }),
    ),
    ...entityClasses
      .filter((entityClass) => jurisdiction.entityClasses.includes(entityClass))
      .map((entityClass) => roleOf(jurisdiction, { clientClass: null, entityClass })),
  ]);
}

/** The role of one client class in each selected jurisdiction that knows it. @throws InputError as `rolesFor`. */
export function clientRoles(
  rulebook: Rulebook,
  { jurisdictions, clientClass }: { jurisdictions?: readonly string[] | undefined; clientClass: string },
): Role[] {
  return rolesFor(rulebook, { jurisdictions, clientClasses: [clientClass] });
}

/** The rules of a role's jurisdiction that ask for nothing the role does not state. */
export function rulesOf(rulebook: Rulebook, role: Role): Rule[] {
  return rulebook.rules.filter((rule) => rule.jurisdiction === role.jurisdiction && concerns(rule, role));
}

/** Whether any of the roles has to do with a rule. */
export function concernsAny(rule: Rule, roles: readonly Role[]): boolean {
  return roles.some((role) => rule.jurisdiction === role.jurisdiction && concerns(rule, role));
}

/**
 * What a rule says of a finding if the holder were in this role; null where the rule is another jurisdiction's or asks
 * for a class of another kind, of which the supposition says nothing.
 */
export function suppose(
  finding: Pick<HypotheticalFinding, "rule" | "condition" | "reason">,
  role: Role,
): Judgement | null {
  const { rule } = finding;
  if (rule.jurisdiction !== role.jurisdiction || !concerns(rule, role)) return null;
  return judgeBy(rule, finding, role.facts);
}

function concerns(rule: Rule, role: Role): boolean {
  return rule.requiresFacts.every((predicate) => role.facts.has(predicate));
}

function clientClassesOf({ clientClasses }: Jurisdiction, asked: readonly string[] | undefined): (string | null)[] {
  const [first] = clientClasses;
  if (first === undefined) return [null];
  if (asked === undefined || asked.length === 0) return [...clientClasses];
  const own = asked.map((name) => (name === PROTECTED_CLASS ? first : name));
  return clientClasses.filter((name) => own.includes(name));
}

function roleOf(
  { code, covers }: Jurisdiction,
  classes: { clientClass: string | null; entityClass: string | null },
): Role {
  const facts = new Map<string, string>();
  const place = covers.includes(code) ? code : covers[0];
  if (place !== undefined) facts.set("jurisdiction", place);
  if (classes.clientClass !== null) facts.set("clientClass", classes.clientClass);
  if (classes.entityClass !== null) facts.set("entityClass", classes.entityClass);
  return { jurisdiction: code, ...classes, facts };
}
