import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readAnchorKey } from "../../../server/anchors/key.ts";
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
