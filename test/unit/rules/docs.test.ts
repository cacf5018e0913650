import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BOOK } from "./figures.ts";

const DOC = readFileSync(new URL("../../../docs/rules.md", import.meta.url), "utf8");

describe("docs/rules.md", () => {
  it("names every rule of the rulebook", () => {
    expect(BOOK.rules.filter((rule) => !DOC.includes(`\`${rule.id}\``)).map((rule) => rule.id)).toEqual([]);
  });

  it("names every client class of every jurisdiction", () => {
    const words = new Set(BOOK.rules.flatMap((rule) => [...rule.knownClientClasses, ...(rule.clientClasses ?? [])]));
    expect([...words].filter((word) => !DOC.includes(`\`${word}\``))).toEqual([]);
  });
});
