import { afterEach, expect, test, vi } from "vitest";
import { keepLooking, keysFor } from "../../../bin/commands/following.ts";
import { MissingFile } from "../../../server/others/remote-log.ts";
import { InputError, InvariantError, ProviderError } from "../../../src/core/errors.ts";
import { keepPrinted } from "../../support/printed.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Looks that come to these, one after another, until the last; each but a number is thrown, and 0 is looked on from. */
async function followed(
  steps: readonly (number | Error)[],
  once = false,
): Promise<{ exitCode: number; looks: number }> {
  const stop = new AbortController();
  let looks = 0;
  const look = async (): Promise<number> => {
    const step = steps[looks++];
    if (looks === steps.length) setImmediate(() => stop.abort());
    if (step instanceof Error) throw step;
    return step as number;
  };
  const take = async (seen: number) => (seen === 0 ? null : seen);
  return { exitCode: await keepLooking({ look, take }, { everyMs: 1, once, signal: stop.signal }), looks };
}

test("looks until there is an exit code", async () => {
  expect(await followed([0, 0, 3, 0])).toEqual({ exitCode: 3, looks: 3 });
});

test("looks one time where it is to look once", async () => {
  expect(await followed([0, 3], true)).toEqual({ exitCode: 0, looks: 1 });
});

test("takes a log that cannot be opened at first for another's, and one that could be for one that is disturbed", async () => {
  const printed = keepPrinted();
  await expect(followed([new InputError("no head"), 0])).rejects.toThrow(InputError);
  expect(await followed([0, new InputError("no head")])).toEqual({ exitCode: 0, looks: 2 });
  expect(printed.err).toMatch(/no head Trying again in 1 s\.\n$/);
});

test("waits for a log that does not answer, unless it is to look once", async () => {
  keepPrinted();
  expect(await followed([new ProviderError("no answer")])).toEqual({ exitCode: 0, looks: 1 });
  await expect(followed([new ProviderError("no answer")], true)).rejects.toThrow(ProviderError);
});

test("hides no error that is its own", async () => {
  await expect(followed([0, new InvariantError("broken")])).rejects.toThrow(InvariantError);
});

test("stops while a log has not answered", async () => {
  const stop = new AbortController();
  const look = () => new Promise<number>(() => setImmediate(() => stop.abort()));
  const take = async () => 1;
  expect(await keepLooking({ look, take }, { everyMs: 1, once: false, signal: stop.signal })).toBe(0);
});

test("tells of a look that does not end, every five minutes and no longer than it takes", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  const printed = keepPrinted();
  const look = async () => {
    vi.advanceTimersByTime(600_000);
    return 1;
  };
  const looking = keepLooking(
    { look, take: async (seen) => seen },
    { everyMs: 1, once: true, signal: new AbortController().signal },
  );
  expect(await looking).toBe(1);
  vi.advanceTimersByTime(900_000);
  const told = printed.err.match(/read for \d+ minutes/g);
  expect(told).toEqual(["read for 5 minutes", "read for 10 minutes"]);
});

test("says where no log is, and where what is served is no list of keys", async () => {
  const prefix = "https://host.example/log";
  const tiles = async () => [];
  const servedBy = (keys: () => Promise<string>) =>
    keysFor({ prefix, keys, tiles, checkpoint: keys }, { given: [], kept: null });
  const nothing = servedBy(async () => {
    throw new MissingFile("The log has no key.");
  });
  await expect(nothing).rejects.toThrow(ProviderError);
  await expect(nothing).rejects.toThrow(prefix);
  const page = servedBy(async () => "<html>\n");
  await expect(page).rejects.toThrow(InputError);
  await expect(page).rejects.toThrow(`${prefix}/key`);
});
