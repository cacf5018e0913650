/**
 * Mutations of JSON that know nothing of what it means. They change the value in place and say whether they could.
 */
import type { Draw } from "./draw.ts";

/** JSON that can be changed. */
// biome-ignore lint/suspicious/noExplicitAny: a mutation reaches for parts that may not be there
export type Tree = any;

/** A member of an object or an element of an array. */
type Spot = { parent: Tree; key: string | number; value: Tree };

/** Descends level by level, so that a field with thousands of parts is not chosen thousands of times as often. */
function spotIn(tree: Tree, { draw, isWanted }: { draw: Draw; isWanted: (value: Tree) => boolean }): Spot | null {
  for (let tries = 0; tries < 20; tries++) {
    let spot: Spot | null = null;
    let value = tree;
    while (isBranch(value)) {
      const keys = Object.keys(value);
      if (keys.length === 0) break;
      const key = draw.one(keys);
      spot = { parent: value, key: Array.isArray(value) ? Number(key) : key, value: value[key] };
      value = spot.value;
      if (isWanted(value) && (!isBranch(value) || draw.chance() < 0.4)) return spot;
    }
    if (spot !== null && isWanted(spot.value)) return spot;
  }
  return null;
}

function isBranch(value: Tree): boolean {
  return typeof value === "object" && value !== null;
}

const isText = (value: Tree): value is string => typeof value === "string";
const isList = (length: number) => (value: Tree) => Array.isArray(value) && value.length >= length;
const isObject = (value: Tree) => isBranch(value) && !Array.isArray(value);

/** Another text of the same kind: of hex, decimal digits, base64, or any. */
function otherText(text: string, draw: Draw): string {
  const at = (from: number) => from + draw.below(Math.max(1, text.length - from));
  const replaced = (place: number, by: string) => text.slice(0, place) + by + text.slice(place + 1);
  if (/^0x[0-9a-f]*$/.test(text)) return replaced(at(2), draw.one([..."0123456789abcdef"]));
  if (/^-?\d+$/.test(text)) {
    const value = BigInt(text);
    return draw.one([value + 1n, value - 1n, -value, value * 2n, 0n, value / 2n]).toString();
  }
  const alphabet = /^[A-Za-z0-9+/=]{40,}$/.test(text) ? "ABCDxyz0189+/" : "abz09.:/-_ ";
  return replaced(at(0), draw.one([...alphabet]));
}

function swap(list: Tree[], a: number, b: number): void {
  [list[a], list[b]] = [list[b], list[a]];
}

/** By name. Each changes the tree in place; false when it found nothing to change. */
export const TREE_MUTATIONS: Readonly<Record<string, (tree: Tree, draw: Draw) => boolean>> = {
  "a text changed": (tree, draw) => {
    const spot = spotIn(tree, { draw, isWanted: isText });
    if (spot !== null) spot.parent[spot.key] = otherText(spot.value, draw);
    return spot !== null;
  },
  "a text of another kind": (tree, draw) => {
    const spot = spotIn(tree, { draw, isWanted: isText });
    if (spot === null) return false;
    const { value } = spot;
    spot.parent[spot.key] = draw.one([
      null,
      "",
      `${value}0`,
      `0${value}`,
      ` ${value}`,
      value.slice(0, -1),
      [value],
      {},
    ]);
    return true;
  },
  "upper-case hex": (tree, draw) => {
    const isHex = (value: Tree) => isText(value) && /(0x)?[0-9a-f]{16,}/.test(value) && /[a-f]/.test(value.slice(2));
    const spot = spotIn(tree, { draw, isWanted: isHex });
    if (spot !== null) spot.parent[spot.key] = spot.value.replace(/[0-9a-f]{16,}/, (hex: string) => hex.toUpperCase());
    return spot !== null;
  },
  "a key dropped": (tree, draw) => {
    const spot = spotIn(tree, { draw, isWanted: (value) => isObject(value) && Object.keys(value).length > 0 });
    const object = spot === null || draw.chance() < 0.3 ? tree : spot.value;
    delete object[draw.one(Object.keys(object))];
    return true;
  },
  "an unknown key": (tree, draw) => {
    const spot = spotIn(tree, { draw, isWanted: isObject });
    const object = spot === null || draw.chance() < 0.3 ? tree : spot.value;
    object[draw.one(["note", "extra", "constructor", "Version", "id ", "proof2"])] = draw.one(["", "1", null, [], {}]);
    return true;
  },
  "a key under another name": (tree, draw) => {
    const spot = spotIn(tree, { draw, isWanted: (value) => isObject(value) && Object.keys(value).length > 0 });
    if (spot === null) return false;
    const key = draw.one(Object.keys(spot.value));
    const { [key]: value, ...rest } = spot.value;
    spot.parent[spot.key] = { ...rest, [otherText(key, draw)]: value };
    return true;
  },
  "an element dropped": (tree, draw) => {
    const spot = spotIn(tree, { draw, isWanted: isList(1) });
    spot?.value.splice(draw.below(spot.value.length), 1);
    return spot !== null;
  },
  "an element twice": (tree, draw) => {
    const spot = spotIn(tree, { draw, isWanted: isList(1) });
    if (spot === null) return false;
    const at = draw.below(spot.value.length);
    spot.value.splice(draw.chance() < 0.5 ? at : spot.value.length, 0, spot.value[at]);
    return true;
  },
  "two elements swapped": (tree, draw) => {
    const spot = spotIn(tree, { draw, isWanted: isList(2) });
    if (spot === null) return false;
    const at = draw.below(spot.value.length - 1);
    swap(spot.value, at, at + 1 + draw.below(spot.value.length - at - 1));
    return true;
  },
  "a list cut short": (tree, draw) => {
    const spot = spotIn(tree, { draw, isWanted: isList(1) });
    spot?.value.splice(draw.below(spot.value.length));
    return spot !== null;
  },
  "two values exchanged": (tree, draw) => {
    const spot = spotIn(tree, { draw, isWanted: (value) => isObject(value) && Object.keys(value).length > 1 });
    if (spot === null) return false;
    const keys = Object.keys(spot.value);
    const [a, b] = [draw.one(keys), draw.one(keys)];
    [spot.value[a], spot.value[b]] = [spot.value[b], spot.value[a]];
    return a !== b;
  },
};

/** By name: mutations of the bytes themselves. */
export const BYTE_MUTATIONS: Readonly<Record<string, (bytes: Uint8Array, draw: Draw) => Uint8Array>> = {
  "a byte flipped": (bytes, draw) => {
    const changed = bytes.slice();
    const at = draw.below(bytes.length);
    changed[at] = (changed[at] as number) ^ (1 << draw.below(8));
    return changed;
  },
  "a digit replaced": (bytes, draw) => {
    const changed = bytes.slice();
    for (let tries = 0; tries < 50; tries++) {
      const at = draw.below(bytes.length);
      if (!/[0-9a-f]/.test(String.fromCharCode(bytes[at] as number))) continue;
      changed[at] = draw.one([..."0123456789abcdef"]).charCodeAt(0);
      break;
    }
    return changed;
  },
  "a byte inserted": (bytes, draw) => {
    const at = draw.below(bytes.length + 1);
    return Uint8Array.from([...bytes.subarray(0, at), draw.below(256), ...bytes.subarray(at)]);
  },
  "a byte removed": (bytes, draw) => {
    const at = draw.below(bytes.length);
    return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1)]);
  },
  "the end cut off": (bytes, draw) => bytes.slice(0, draw.below(bytes.length)),
  "a stretch repeated": (bytes, draw) => {
    const from = draw.below(bytes.length);
    const to = Math.min(bytes.length, from + 1 + draw.below(64));
    return Uint8Array.from([...bytes.subarray(0, to), ...bytes.subarray(from)]);
  },
  "two bytes exchanged": (bytes, draw) => {
    const changed = bytes.slice();
    const [a, b] = [draw.below(bytes.length), draw.below(bytes.length)];
    [changed[a], changed[b]] = [bytes[b] as number, bytes[a] as number];
    return changed;
  },
};
