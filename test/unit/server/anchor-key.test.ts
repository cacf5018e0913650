import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseGwei } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readAnchorKey } from "../../../server/anchors/key.ts";
import { readOptions } from "../../../server/options.ts";
import { InputError } from "../../../src/core/errors.ts";

const KEY = "1f".repeat(32);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-anchor-key-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(text: string, mode = 0o600): string {
  const path = join(folder, "anchor.key");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe("an anchor's key", () => {
  it.each([KEY, `0x${KEY}`, `${KEY.toUpperCase()}\n`])("is read from 64 hex digits", (text) => {
    expect(readAnchorKey(fileOf(text)).address).toBe(privateKeyToAccount(`0x${KEY}`).address);
  });

  it.each([0o640, 0o604, 0o620])("is refused in a file of mode %o", (mode) => {
    expect(() => readAnchorKey(fileOf(KEY, mode))).toThrow(InputError);
  });

  it.each(["", "00".repeat(32), "ff".repeat(32), `${KEY}0`, "a word"])("is not %j, which is not repeated", (text) => {
    let message = "";
    try {
      readAnchorKey(fileOf(text));
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      message = (error as Error).message;
    }
    expect(message).toContain("anchor.key");
    if (text !== "") expect(message).not.toContain(text);
  });

  it("is not in a file that is not there", () => {
    expect(() => readAnchorKey(join(folder, "none"))).toThrow(InputError);
  });
});

describe("the most that gas may cost a published head", () => {
  const read = (fee?: string) =>
    readOptions([], {
      ...{ PONDER_RPC_URL_901: "http://127.0.0.1:1", PONDER_RPC_URL_902: "http://127.0.0.1:2" },
      PLUMBLINE_ANCHOR_KEY_FILE: fileOf(KEY),
      ...(fee === undefined ? {} : { PLUMBLINE_ANCHOR_MAX_FEE_GWEI: fee }),
    }).anchor?.feeMax;

  it("is whole gwei, and bounded where nothing is set", () => {
    expect(read("7")).toBe(parseGwei("7"));
    expect(read()).toBe(parseGwei("100"));
  });

  it.each(["0", "-1", "1.5", "12345678", "1e3", "no"])("is not %j", (fee) => {
    expect(() => read(fee)).toThrow(InputError);
  });
});
