/** A loop that can be asked to end; `stop` resolves when its last step has ended. */
export type Loop = { stop(): Promise<void> };

/** One turn of a loop: whether there is more to do at once. */
export type Turn = () => Promise<{ more: boolean }>;

/**
 * Runs turns one after the other until stopped: again at once while there is more, else after `pauseMs`, and after
 * failures at growing distance. A turn never overlaps the next, so what it owns needs no lock.
 */
export function runLoop(
  turn: Turn,
  options: { pauseMs: number; maxBackoffMs: number; onError(error: unknown): void },
): Loop {
  let stopped = false;
  let wake: () => void = () => {};
  let failures = 0;

  async function run(): Promise<void> {
    while (!stopped) {
      let pause = options.pauseMs;
      try {
        const { more } = await turn();
        failures = 0;
        if (more) pause = 0;
      } catch (error) {
        if (stopped) return;
        failures++;
        pause = Math.min(options.pauseMs * 2 ** Math.min(failures, 10), options.maxBackoffMs);
        options.onError(error);
      }
      if (!stopped) await sleep(pause);
    }
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  const done = run();
  return {
    async stop() {
      stopped = true;
      wake();
      await done;
    },
  };
}
