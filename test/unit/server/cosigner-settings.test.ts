import { describe, expect, test } from "vitest";
import { readCosigners } from "../../../server/cosigners/settings.ts";
import { InputError } from "../../../src/core/errors.ts";
import { cosignerOf } from "../../../src/core/log/cosignature.ts";
import { SIGNER } from "../proof/sample.ts";

describe("whom a log asks", () => {
  const w = cosignerOf("w.example", new Uint8Array(32).fill(7)).verifierKey;
  const v = cosignerOf("v.example", new Uint8Array(32).fill(8)).verifierKey;

  test("is read from the environment", () => {
    const read = readCosigners({ PLUMBLINE_WITNESSES: ` ${w} https://w.example/ ,${v}  http://v.example:1/x` }, "o");
    expect(read.witnesses.map(({ url, keyText }) => [keyText, url])).toEqual([
      [w, "https://w.example"],
      [v, "http://v.example:1/x"],
    ]);
    expect(read.quorum).toBe(1);
    expect(readCosigners({}, "o")).toEqual({ witnesses: [], quorum: 0 });
    expect(readCosigners({ PLUMBLINE_WITNESSES: `${w} https://w`, PLUMBLINE_WITNESS_QUORUM: "1" }, "o").quorum).toBe(1);
  });

  test.each([
    ["no URL", { PLUMBLINE_WITNESSES: w }],
    ["no key", { PLUMBLINE_WITNESSES: "https://w.example" }],
    ["a URL of another kind", { PLUMBLINE_WITNESSES: `${w} ftp://w.example` }],
    ["more than key and URL", { PLUMBLINE_WITNESSES: `${w} https://w.example ${v}` }],
    ["a log's key", { PLUMBLINE_WITNESSES: `${SIGNER.verifierKey} https://w.example` }],
    ["one witness twice", { PLUMBLINE_WITNESSES: `${w} https://a, ${w} https://b` }],
    ["the log's own name", { PLUMBLINE_WITNESSES: `${cosignerOf("o", new Uint8Array(32)).verifierKey} https://a` }],
    ["a quorum that is no number", { PLUMBLINE_WITNESSES: `${w} https://a`, PLUMBLINE_WITNESS_QUORUM: "most" }],
    ["a quorum that cannot be met", { PLUMBLINE_WITNESSES: `${w} https://a`, PLUMBLINE_WITNESS_QUORUM: "2" }],
  ])("is refused in one sentence: %s", (_, env) => {
    expect(() => readCosigners(env, "o")).toThrow(InputError);
  });
});
