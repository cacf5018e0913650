/** A binary heap of things that become due at a bound: smallest first. */
export class Heap<T> {
  #items: { at: bigint; value: T }[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** Adds a value at a place. */
  push(at: bigint, value: T): void {
    const items = this.#items;
    let i = items.push({ at, value }) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.#at(parent) <= this.#at(i)) break;
      this.#swap(i, parent);
      i = parent;
    }
  }

  /** Takes out everything due at or before `bound`, smallest first. */
  *popUntil(bound: bigint): Generator<T> {
    while (this.#items.length > 0 && this.#at(0) <= bound) yield this.#pop();
  }

  /** Drops what is not kept. */
  retain(keep: (value: T) => boolean): void {
    const kept = this.#items.filter((item) => keep(item.value));
    this.#items = [];
    for (const { at, value } of kept) this.push(at, value);
  }

  /** Drops everything. */
  clear(): void {
    this.#items = [];
  }

  #pop(): T {
    const items = this.#items;
    const top = items[0] as { at: bigint; value: T };
    const last = items.pop() as { at: bigint; value: T };
    if (items.length > 0) {
      items[0] = last;
      this.#sink();
    }
    return top.value;
  }

  #sink(): void {
    const n = this.#items.length;
    for (let i = 0; ; ) {
      const left = 2 * i + 1;
      if (left >= n) return;
      const child = left + 1 < n && this.#at(left + 1) < this.#at(left) ? left + 1 : left;
      if (this.#at(i) <= this.#at(child)) return;
      this.#swap(i, child);
      i = child;
    }
  }

  #at(i: number): bigint {
    return (this.#items[i] as { at: bigint }).at;
  }

  #swap(i: number, j: number): void {
    const items = this.#items;
    const held = items[i] as { at: bigint; value: T };
    items[i] = items[j] as { at: bigint; value: T };
    items[j] = held;
  }
}
