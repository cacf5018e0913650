import { createHash, timingSafeEqual } from "node:crypto";
import { eq } from "drizzle-orm";
import { z } from "zod";
import { InputError, InvariantError } from "../../src/core/errors.ts";
import type { Db } from "../store/database.ts";
import { accessKey } from "../store/schema.ts";
import { KEY_FORM } from "./keys.ts";

/** Jurisdictions a supervisor sees; `"*"` is all of them. */
export type Scope = "*" | readonly string[];

/** Who asks. The public sees what rests on no facts; a supervisor also what rests on facts, within the scope. */
export type Role = { name: "public" } | { name: "supervisor"; scope: Scope };

export const PUBLIC: Role = { name: "public" };

/** Form of a jurisdiction code; nothing else may reach the SQL of a scope's views. */
const JURISDICTION = /^[A-Z][A-Z0-9-]{0,15}$/;

const scopeShape = z.union([z.literal("*"), z.array(z.string().regex(JURISDICTION)).min(1)]);

/** Whether a role may see what a rule of this jurisdiction says about a trader. */
export function maySee(role: Role, about: { needsFacts: boolean; jurisdiction: string }): boolean {
  if (!about.needsFacts) return true;
  return role.name === "supervisor" && (role.scope === "*" || role.scope.includes(about.jurisdiction));
}

/** One string a role, equal for roles that see the same. */
export function roleKey(role: Role): string {
  if (role.name === "public") return "public";
  return role.scope === "*" ? "*" : [...role.scope].sort().join(",");
}

/**
 * Admits a key. Only its hash is kept.
 * @throws InputError when the key or its scope is malformed.
 */
export function admitKey(db: Db, key: string, { label, scope }: { label: string; scope: Scope }): void {
  if (!KEY_FORM.test(key)) throw new InputError("A supervisor key has the form plk_<43 characters>.");
  const checked = scopeShape.safeParse(scope);
  if (!checked.success)
    throw new InputError(`A scope is "*" or a list of jurisdictions like EU, not ${JSON.stringify(scope)}.`);
  const row = { hash: hashOf(key).toString("hex"), label, scope: JSON.stringify(checked.data) };
  db.insert(accessKey).values(row).onConflictDoUpdate({ target: accessKey.hash, set: row }).run();
}

/** Takes a key's rights away. */
export function revokeKey(db: Db, key: string): void {
  db.delete(accessKey)
    .where(eq(accessKey.hash, hashOf(key).toString("hex")))
    .run();
}

/**
 * The role an `Authorization` header gives: the public without one, a supervisor for a known key, `null` for anything
 * else. Every known hash is compared, each in constant time, so that the time taken tells nothing about any of them.
 */
export function roleOf(db: Db, header: string | null | undefined): Role | null {
  if (header === null || header === undefined) return PUBLIC;
  const key = /^Bearer ([!-~]{1,512})$/i.exec(header)?.[1] ?? "";
  const given = hashOf(key);
  let scope: string | null = null;
  for (const row of db.select().from(accessKey).all()) {
    if (timingSafeEqual(Buffer.from(row.hash, "hex"), given)) scope = row.scope;
  }
  if (scope === null) return null;
  const parsed = scopeShape.safeParse(JSON.parse(scope));
  if (!parsed.success) throw new InvariantError(`A stored scope is malformed: ${scope}.`);
  return { name: "supervisor", scope: parsed.data };
}

function hashOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
