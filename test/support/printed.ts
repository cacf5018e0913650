import { vi } from "vitest";

/** What has been written to standard output and standard error. */
export type Printed = { out: string; err: string };

/** Keeps what is printed instead of showing it, until `vi.restoreAllMocks`. */
export function keepPrinted(): Printed {
  const printed = { out: "", err: "" };
  for (const [stream, name] of [
    [process.stdout, "out"],
    [process.stderr, "err"],
  ] as const) {
    vi.spyOn(stream, "write").mockImplementation((text) => {
      printed[name] += text;
      return true;
    });
  }
  return printed;
}
