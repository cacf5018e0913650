import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BOOK, rulebookFiles } from "./figures.ts";
import { ruleList } from "./rule-list.ts";

const DOC = readFileSync(new URL("../../../docs/rules.md", import.meta.url), "utf8");

describe("docs/rule-list.md", () => {
  it("lists every rule of the rulebook (after a change: npx vitest run test/unit/rules/docs.test.ts -u)", async () => {
    await expect(ruleList(BOOK, rulebookFiles())).toMatchFileSnapshot("../../../docs/rule-list.md");
  });
});

describe("docs/rules.md", () => {
  it("names every file of the rulebook", () => {
    const names = rulebookFiles().map((file) => file.name);
    expect(names.filter((name) => !DOC.includes(`\`${name}\``))).toEqual([]);
  });

  it("names every client class and entity class", () => {
    const words = new Set(
      BOOK.rules.flatMap(({ knownClientClasses, clientClasses = [], entityClasses = [] }) => [
        ...knownClientClasses,
        ...clientClasses,
        ...entityClasses,
      ]),
    );
    expect([...words].filter((word) => !DOC.includes(`\`${word}\``))).toEqual([]);
  });

  it("names every test point", () => {
    const points = new Set(BOOK.rules.map((rule) => rule.testPoint));
    expect([...points].filter((point) => !DOC.includes(`\`${point}\``))).toEqual([]);
  });
});
