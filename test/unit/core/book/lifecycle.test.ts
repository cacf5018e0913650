import { describe, expect, it } from "vitest";
import { gridTimes } from "../../../../src/core/book/exposures.ts";
import { Journal } from "../../../../src/core/book/journal.ts";
import { Lifecycle } from "../../../../src/core/book/lifecycle.ts";

const ALICE = "0x000000000000000000000000000000000000000a";
const PREFIX = "eip155:1/p/";
const ETH = `${PREFIX}eth`;

function setUp() {
  const journal = new Journal();
  const lifecycle = new Lifecycle(journal);
  let block = 0n;
  const at = (...open: [string, -1 | 0 | 1][]) => {
    journal.mark(String(++block).padStart(4, "0"));
    return lifecycle.update(ALICE, { prefix: PREFIX, now: new Map(open), block }).map((s) => s.id);
  };
  return { journal, lifecycle, at };
}

describe("Lifecycle", () => {
  it("a reopened position is a new subject", () => {
    const { lifecycle, at } = setUp();
    at([ETH, 1]);
    expect(lifecycle.of(ALICE).get(ETH)?.id).toBe(`${ETH}/${ALICE}/1`);
    expect(at()).toEqual([`${ETH}/${ALICE}/1`]);
    at([ETH, 1]);
    expect(lifecycle.of(ALICE).get(ETH)?.id).toBe(`${ETH}/${ALICE}/2`);
  });

  it("a flip passes through flat", () => {
    const { lifecycle, at } = setUp();
    at([ETH, 1]);
    expect(at([ETH, -1])).toEqual([`${ETH}/${ALICE}/1`]);
    expect(lifecycle.of(ALICE).get(ETH)?.epoch).toBe(2);
  });

  it("a maker whose side moves with the pool keeps its position", () => {
    const { lifecycle, at } = setUp();
    at([ETH, 1]);
    expect(at([ETH, 0])).toEqual([]);
    expect(at([ETH, -1])).toEqual([]);
    expect(lifecycle.of(ALICE).get(ETH)?.epoch).toBe(1);
  });

  it("what another protocol of the chain holds is left alone", () => {
    const { lifecycle, at } = setUp();
    at([ETH, 1]);
    lifecycle.update(ALICE, { prefix: "eip155:1/q/", now: new Map([["eip155:1/q/btc", 1]]), block: 9n });
    expect([...lifecycle.of(ALICE).keys()].sort()).toEqual([ETH, "eip155:1/q/btc"]);
  });

  it("undo brings the ended stretch back and counts it once", () => {
    const { journal, lifecycle, at } = setUp();
    at([ETH, 1]);
    at();
    at([ETH, -1]);
    journal.undoTo("0001");
    expect(lifecycle.of(ALICE).get(ETH)?.epoch).toBe(1);
    journal.mark("0002");
    lifecycle.update(ALICE, { prefix: PREFIX, now: new Map([[ETH, -1]]), block: 2n });
    expect(lifecycle.of(ALICE).get(ETH)?.epoch).toBe(2);
  });
});

describe("gridTimes", () => {
  it("gives the grid times for which the last block is the one to strike at", () => {
    expect(gridTimes(100n, { next: 130n, gridSeconds: 10n })).toEqual([100n, 110n, 120n]);
    expect(gridTimes(101n, { next: 110n, gridSeconds: 10n })).toEqual([]);
    expect(gridTimes(101n, { next: 111n, gridSeconds: 10n })).toEqual([110n]);
  });

  it("a grid time equal to the next block's belongs to that block", () => {
    expect(gridTimes(95n, { next: 100n, gridSeconds: 10n })).toEqual([]);
    expect(gridTimes(100n, { next: 101n, gridSeconds: 10n })).toEqual([100n]);
  });
});
