import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { marketOf, whomOf } from "../../../src/api/subjects.ts";
import { InputError, ProviderError } from "../../../src/core/errors.ts";

const KEY = Symbol.for("plumbline.runtime");
const BLOCK = { number: 9n, hash: "0x09", parentHash: "0x08", timestamp: 1775088018n };
const HOLDER = `0x${"ab".repeat(20)}`;
const MARKET = `eip155:901/perp-v2/0x${"cd".repeat(20)}`;

type FakeBook = { chain: { chainId: number }; isOpen: boolean; ended: typeof BLOCK | null; venues: object[] };

let books: Map<number, FakeBook>;
const holder = globalThis as unknown as Record<symbol, unknown>;

beforeEach(() => {
  vi.useFakeTimers();
  const venue = { prefix: "eip155:901/perp-v2/", model: { marketKeys: () => [`0x${"cd".repeat(20)}`] } };
  books = new Map([
    [901, { chain: { chainId: 901 }, isOpen: false, ended: BLOCK, venues: [venue] }],
    [902, { chain: { chainId: 902 }, isOpen: true, ended: BLOCK, venues: [] }],
  ]);
  holder[KEY] = { books };
});
afterEach(() => {
  vi.useRealTimers();
  delete holder[KEY];
});

describe("whom a question is about", () => {
  test("is answered while another chain is inside a block", async () => {
    // No time passes here: what waited would never be answered.
    const { block, address } = await whomOf(`eip155:901:${HOLDER}`);
    expect([block, address]).toEqual([BLOCK, HOLDER]);
  });

  test("waits for the end of the block its own chain is in, and not for ever", async () => {
    const book = books.get(902) as FakeBook;
    const asked = whomOf(`eip155:902:${HOLDER}`);
    await vi.advanceTimersByTimeAsync(50);
    book.isOpen = false;
    await vi.advanceTimersByTimeAsync(50);
    expect((await asked).block).toEqual(BLOCK);
    book.isOpen = true;
    const refused = expect(whomOf(`eip155:902:${HOLDER}`)).rejects.toBeInstanceOf(ProviderError);
    await vi.advanceTimersByTimeAsync(60_000);
    await refused;
  });

  test("may be written in capitals; a chain that is not followed and what is no account are refused", async () => {
    expect((await whomOf(`eip155:901:${HOLDER.toUpperCase().replace("0X", "0x")}`)).address).toBe(HOLDER);
    for (const wrong of [`eip155:1:${HOLDER}`, HOLDER, "eip155:901", "", "eip155:901:0xab"]) {
      await expect(whomOf(wrong)).rejects.toBeInstanceOf(InputError);
    }
  });
});

describe("the market of an id", () => {
  test("may be written in capitals", async () => {
    expect((await marketOf(MARKET.replaceAll("cd", "CD"))).key).toBe(`0x${"cd".repeat(20)}`);
  });

  test("must be one of a protocol that is followed", async () => {
    await expect(marketOf("eip155:901/perp-v2/0x00")).rejects.toBeInstanceOf(InputError);
    await expect(marketOf(MARKET.replace("901", "1"))).rejects.toBeInstanceOf(InputError);
  });
});
