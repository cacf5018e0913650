/**
 * Where two JSON values differ first, for sentences that name it.
 */
import { compareKeys } from "../order.ts";
import { canonicalText, type Json } from "../proof/canonical.ts";

/** The first place in which two values differ, and both values there as text; null where one has nothing there. */
export type Difference = { path: string; theirs: string | null; ours: string | null };

/** Characters of a value that are shown. */
const MAX_SHOWN = 200;

type JsonObject = Readonly<Record<string, Json>>;

/**
 * The first difference, members in the order of their raw bytes, lists in their own; null where there is none. Lists of
 * objects that each have an `id` of their own are compared by it, so that one more of them does not shift the others.
 * @throws InputError for what has no canonical form.
 */
export function firstDifference(theirs: Json | undefined, ours: Json | undefined, path = ""): Difference | null {
  const byId = hasIds(theirs) && hasIds(ours);
  const [left, right] = [membersOf(theirs, byId), membersOf(ours, byId)];
  if (left === null || right === null || Array.isArray(theirs) !== Array.isArray(ours)) {
    const [a, b] = [textOf(theirs), textOf(ours)];
    return a === b && isText(theirs) === isText(ours) ? null : { path, theirs: shown(a), ours: shown(b) };
  }
  const keys = new Set([...left.keys(), ...right.keys()]);
  const ordered = Array.isArray(theirs) ? [...keys] : [...keys].sort(compareKeys);
  for (const key of ordered) {
    const below = Array.isArray(theirs) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    const found = firstDifference(left.get(key), right.get(key), below);
    if (found !== null) return found;
  }
  return null;
}

/** Text from elsewhere as it can be printed: without line breaks or control characters. */
export function plainText(text: string): string {
  return text.replaceAll(/[^ -~]/g, "?");
}

/** Text from elsewhere as it can stand in a sentence: plain, and not too long. */
export function printable(text: string): string {
  const plain = plainText(text);
  return plain.length > MAX_SHOWN ? `${plain.slice(0, MAX_SHOWN)}...` : plain;
}

/** The members of an object or the items of a list, by name, id or place; null for any other value. */
function membersOf(value: Json | undefined, byId: boolean): Map<string, Json> | null {
  if (typeof value !== "object" || value === null) return null;
  if (!Array.isArray(value)) return new Map(Object.entries(value as JsonObject));
  return new Map((value as readonly Json[]).map((item, i) => [byId ? (idOf(item) as string) : String(i), item]));
}

/** Whether a value is a list of objects that each have an id of their own. */
function hasIds(value: Json | undefined): boolean {
  if (!Array.isArray(value)) return false;
  const ids = (value as readonly Json[]).map(idOf);
  return new Set(ids).size === ids.length && !ids.includes(null);
}

function idOf(item: Json): string | null {
  if (typeof item !== "object" || item === null || Array.isArray(item)) return null;
  const { id } = item as JsonObject;
  return typeof id === "string" ? id : null;
}

function isText(value: Json | undefined): boolean {
  return typeof value === "string";
}

function textOf(value: Json | undefined): string | null {
  if (value === undefined) return null;
  return typeof value === "string" ? value : canonicalText(value);
}

function shown(text: string | null): string | null {
  return text === null ? null : printable(text);
}
