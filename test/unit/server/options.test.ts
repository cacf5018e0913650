import { describe, expect, it } from "vitest";
import { readLogLevel, readOptions } from "../../../server/options.ts";
import { InputError } from "../../../src/core/errors.ts";

const NODES = { PONDER_RPC_URL_901: "http://127.0.0.1:1", PONDER_RPC_URL_902: "http://127.0.0.1:2" };
const read = (env: Record<string, string>) => readOptions([], { ...NODES, ...env });

describe("the server's settings", () => {
  it("take a variable that is empty for one that is not set", () => {
    const empty = Object.fromEntries(
      ["HOST", "PORT", "PLUMBLINE_DATA", "PLUMBLINE_ORIGIN", "PLUMBLINE_PUBLIC_URL", "PLUMBLINE_EVIDENCE"].map(
        (name) => [name, ""],
      ),
    );
    expect(read(empty)).toEqual(read({}));
    expect(read(empty).host).toBe("127.0.0.1");
    expect(readLogLevel({ LOG_LEVEL: "" })).toBe("info");
  });

  it.each([
    ["PLUMBLINE_PUBLIC_URL", "plumbline.example"],
    ["PLUMBLINE_EVIDENCE", "maybe"],
    ["PLUMBLINE_ANCHOR_EVERY_SECONDS", "often"],
    ["PLUMBLINE_ANCHOR_MAX_FEE_GWEI", "0.5"],
    ["PLUMBLINE_ORIGIN", "two words"],
  ])("refuse %s=%s, naming both", (name, value) => {
    expect(() => read({ [name]: value })).toThrow(InputError);
    expect(() => read({ [name]: value })).toThrow(`${name} is "${value}"`);
  });

  it("refuse a level of logging that there is not", () => {
    expect(() => readLogLevel({ LOG_LEVEL: "loud" })).toThrow(InputError);
    expect(readLogLevel({ LOG_LEVEL: "warn" })).toBe("warn");
  });
});
