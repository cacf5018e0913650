import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { baseUrl } from "../../../bin/commands/question.ts";
import { rulesCommand } from "../../../bin/commands/rules.ts";
import { amount, leverage, table } from "../../../bin/commands/table.ts";
import { InputError } from "../../../src/core/errors.ts";

describe("figures for reading", () => {
  test("are grouped, and marked where digits are cut off, never rounded into another figure", () => {
    expect(amount("1234567890000000000000000", 18)).toBe("1,234,567.89");
    expect(amount("1999999999999999999", 18)).toBe("~1.9999");
    expect(amount("-500000000000000000", 18)).toBe("-0.5");
    expect(amount("0", 18)).toBe("0");
    expect(amount(null, 18)).toBe("");
  });

  test("say prohibited, a cap, or that none was found", () => {
    expect(leverage({ allowedLeverage: "0", prohibited: true })).toBe("prohibited");
    expect(leverage({ allowedLeverage: "2", prohibited: false })).toBe("2:1");
    expect(leverage({ allowedLeverage: null, prohibited: false })).toBe("no cap found");
  });

  test("stand in columns as wide as their widest cell", () => {
    expect(table(["a", "long"], [["xyz", ""]])).toBe("a    long\nxyz\n");
  });
});

describe("plumbline rules", () => {
  const folder = mkdtempSync(join(tmpdir(), "plumbline-rules-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = (...args: string[]) => rulesCommand().exitOverride().parseAsync(args, { from: "user" });

  test("refuses a folder with a malformed file", async () => {
    writeFileSync(join(folder, "xx.json"), JSON.stringify({ version: "1", jurisdiction: "XX" }));
    await expect(run("--rulebooks", folder)).rejects.toBeInstanceOf(InputError);
  });

  test("refuses an unknown rule, an unknown jurisdiction and a day that is none", async () => {
    await expect(run("NO-SUCH-RULE")).rejects.toBeInstanceOf(InputError);
    await expect(run("--jurisdiction", "XX")).rejects.toBeInstanceOf(InputError);
    await expect(run("--date", "2026-02-30")).rejects.toBeInstanceOf(InputError);
    await expect(run("--metric", "POS.LEVERGE")).rejects.toBeInstanceOf(InputError);
    await expect(run("--evaluation", "maybe")).rejects.toBeInstanceOf(InputError);
  });
});

describe("the Plumbline that is asked", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("is this machine's at PORT unless another is named", () => {
    vi.stubEnv("PORT", "4700");
    expect(baseUrl(undefined)).toBe("http://127.0.0.1:4700");
    vi.stubEnv("PORT", "");
    expect(baseUrl(undefined)).toBe("http://127.0.0.1:4000");
    expect(baseUrl("https://plumbline.example/base/")).toBe("https://plumbline.example/base");
  });

  test.each(["", "4000", "localhost:4000", "file:///etc/passwd"])("is not %j", (url) => {
    expect(() => baseUrl(url)).toThrow(InputError);
  });
});
