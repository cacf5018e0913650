import { GraphQLError } from "graphql";
import { expect, test } from "vitest";
import { createTurnstile } from "../../../server/graphql/turnstile.ts";

/** Work that lasts until `finish` is called, and says when it has begun. */
function pieces() {
  const begun: number[] = [];
  const finish: (() => void)[] = [];
  const work = (i: number) => () =>
    new Promise<number>((resolve) => {
      begun.push(i);
      finish[i] = () => resolve(i);
    });
  return { begun, finish, work };
}
const soon = () => new Promise((resolve) => setImmediate(resolve));

test("a few run at once, others wait in their order, and beyond that they are refused", async () => {
  const { begun, finish, work } = pieces();
  const inTurn = createTurnstile({ running: 2, waiting: 2 });
  const all = [0, 1, 2, 3].map((i) => inTurn(work(i)));
  await soon();
  expect(begun).toEqual([0, 1]);
  await expect(inTurn(work(4))).rejects.toBeInstanceOf(GraphQLError);
  finish[1]?.();
  await soon();
  expect(begun).toEqual([0, 1, 2]);
  finish[0]?.();
  await soon();
  finish[2]?.();
  finish[3]?.();
  expect(await Promise.all(all)).toEqual([0, 1, 2, 3]);
});

test("work that fails gives its place back", async () => {
  const inTurn = createTurnstile({ running: 1, waiting: 0 });
  for (let i = 0; i < 3; i++) {
    await expect(inTurn(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  }
  expect(await inTurn(() => Promise.resolve("room"))).toBe("room");
});
