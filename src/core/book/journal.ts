import { InvariantError } from "../errors.ts";

/** How a step is taken back. */
const SET = 0;
const DELETE = 1;
const ADD = 2;
const PUT = 3;
const POP = 4;

/**
 * The undo record of one chain's book. Every change to the book's state goes through the journal, which keeps, per mark,
 * the steps that take it back.
 *
 * Invariants: marks are in rising order; the steps between two marks restore exactly the state at the first; a step that
 * has been forgotten (`forget`) can never be undone again.
 */
export class Journal {
  #marks: { at: string; from: number }[] = [];
  /**
   * A step is four entries of one list: how it is taken back, on what, under which key, the old value. A closure for
   * each step would be several times the garbage, and a block has hundreds of steps.
   */
  #steps: unknown[] = [];
  #enabled = true;
  #generation = 0;

  /** Grows with every undo. A cache outside the journal is valid only for the generation it was filled in. */
  get generation(): number {
    return this.#generation;
  }

  /** The latest mark, if any. */
  get last(): string | undefined {
    return this.#marks.at(-1)?.at;
  }

  /** Opens a new mark: everything recorded from here on is undone by `undoTo` of an earlier mark. */
  mark(at: string): void {
    const last = this.#marks.at(-1);
    if (last && last.at >= at) throw new InvariantError(`Journal mark ${at} does not come after ${last.at}.`);
    this.#marks.push({ at, from: this.#steps.length });
  }

  /** `map.set(key, value)`, undoably. */
  set<K, V>(map: Map<K, V>, key: K, value: V): void {
    if (this.#enabled) {
      if (map.has(key)) this.#steps.push(SET, map, key, map.get(key));
      else this.#steps.push(DELETE, map, key, undefined);
    }
    map.set(key, value);
  }

  /**
   * `map.delete(key)`, undoably. A later undo puts the key last in the map's order, so nothing may depend on a map's
   * order: fold in sorted order instead.
   */
  delete<K, V>(map: Map<K, V>, key: K): void {
    if (!map.has(key)) return;
    if (this.#enabled) this.#steps.push(SET, map, key, map.get(key));
    map.delete(key);
  }

  /** `set.add(value)`, undoably. */
  add<V>(set: Set<V>, value: V): void {
    if (set.has(value)) return;
    if (this.#enabled) this.#steps.push(DELETE, set, value, undefined);
    set.add(value);
  }

  /** Adds to the set of a key, which is begun with its first value, undoably. */
  addTo<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
    let set = sets.get(key);
    if (set === undefined) {
      set = new Set();
      this.set(sets, key, set);
    }
    this.add(set, value);
  }

  /** `set.delete(value)`, undoably. */
  remove<V>(set: Set<V>, value: V): void {
    if (!set.delete(value)) return;
    if (this.#enabled) this.#steps.push(ADD, set, value, undefined);
  }

  /** `object[key] = value`, undoably. */
  put<T extends object, K extends keyof T>(object: T, key: K, value: T[K]): void {
    if (this.#enabled) this.#steps.push(PUT, object, key, object[key]);
    object[key] = value;
  }

  /** `array.push(value)`, undoably. */
  push<V>(array: V[], value: V): void {
    if (this.#enabled) this.#steps.push(POP, array, undefined, undefined);
    array.push(value);
  }

  /** Whether the state just before the mark `at`, or the first one after it, can still be restored. */
  reaches(at: string): boolean {
    const first = this.#marks[0];
    return first !== undefined && first.at <= at;
  }

  /** Takes back every mark later than `at`. @throws InvariantError when that has been forgotten. */
  undoTo(at: string): void {
    this.#undoWhile(at, (mark) => mark > at);
  }

  /** Takes back the mark `at` and every later one. @throws InvariantError when that has been forgotten. */
  undoFrom(at: string): void {
    this.#undoWhile(at, (mark) => mark >= at);
  }

  #undoWhile(at: string, later: (mark: string) => boolean): void {
    if (!this.reaches(at)) throw new InvariantError(`The journal no longer reaches back to ${at}.`);
    this.#generation++;
    for (let last = this.#marks.at(-1); last && later(last.at); last = this.#marks.at(-1)) {
      while (this.#steps.length > last.from) this.#undoStep();
      this.#marks.pop();
    }
  }

  #undoStep(): void {
    const old = this.#steps.pop();
    const key = this.#steps.pop();
    const target = this.#steps.pop();
    const how = this.#steps.pop();
    if (how === SET) (target as Map<unknown, unknown>).set(key, old);
    else if (how === DELETE) (target as Map<unknown, unknown> | Set<unknown>).delete(key);
    else if (how === ADD) (target as Set<unknown>).add(key);
    else if (how === PUT) (target as Record<PropertyKey, unknown>)[key as PropertyKey] = old;
    else (target as unknown[]).pop();
  }

  /** Drops the marks before `at`: they are final. */
  forget(at: string): void {
    const keep = this.#marks.findIndex((m) => m.at >= at);
    const cut = keep === -1 ? this.#marks.length : keep;
    if (cut === 0) return;
    const from = this.#marks[cut]?.from ?? this.#steps.length;
    this.#marks.splice(0, cut);
    this.#steps.splice(0, from);
    for (const m of this.#marks) m.from -= from;
  }

  /** Runs `work` without recording: for a rebuild from rows, before which nothing can be undone. */
  silently(work: () => void): void {
    this.#marks = [];
    this.#steps = [];
    this.#enabled = false;
    try {
      work();
    } finally {
      this.#enabled = true;
    }
  }
}
