import { GraphQLError } from "graphql";

/** How many pieces of work run at once, and how many more may wait for their turn. */
export type Room = { running: number; waiting: number };

/**
 * Lets work through a few at a time, in the order it came, so that many questions at once keep nobody from what the same
 * process has to do besides. What finds no room to wait is refused.
 * @param refusal the sentence of that.
 */
export function createTurnstile(
  room: Room,
  refusal = "Too many comparisons are being made; try again in a moment.",
): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const queue: (() => void)[] = [];

  async function turn(): Promise<void> {
    if (running < room.running) {
      running++;
      return;
    }
    if (queue.length >= room.waiting) {
      throw new GraphQLError(refusal);
    }
    // Whoever leaves hands its place on, so `running` stays as it is.
    await new Promise<void>((resolve) => queue.push(resolve));
  }

  return async (work) => {
    await turn();
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
