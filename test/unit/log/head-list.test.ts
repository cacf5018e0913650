import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { headListText, parseHeadList } from "../../../src/core/log/head-list.ts";
import { SampleLog, witnesses } from "./sample.ts";

const log = new SampleLog(9);
const notes = [log.note(3), log.note(7), log.cosigned(witnesses)];

describe("a list of checkpoints", () => {
  it.each([0, 1, 2, 3])("is read as it was written, of %i", (count) => {
    expect(parseHeadList(headListText(notes.slice(0, count)))).toEqual(notes.slice(0, count));
  });

  it("is nothing that is cut short, run together or no list at all", () => {
    const text = headListText(notes);
    const [first = "", second = ""] = notes;
    for (const bad of [text.slice(0, -1), text.slice(0, text.lastIndexOf("\n\n")), `\n${text}`, first + second, "x"]) {
      expect(() => parseHeadList(bad)).toThrow(InputError);
    }
    expect(() => headListText(["x"])).toThrow(InputError);
  });
});
