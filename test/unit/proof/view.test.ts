import { encodeFunctionResult } from "viem";
import { describe, expect, it } from "vitest";
import { erc20Abi } from "../../../abis/erc20.ts";
import { InputError } from "../../../src/core/errors.ts";
import type { Hex } from "../../../src/core/ids.ts";
import { askViews, view } from "../../../src/core/proof/view.ts";

const TOKEN: Hex = `0x${"Ab".repeat(20)}`;
const HOLDER: Hex = `0x${"cd".repeat(20)}`;
const balanceOf = view<bigint>(TOKEN, { abi: erc20Abi, functionName: "balanceOf", args: [HOLDER] });

describe("a view", () => {
  it("is asked of the contract in lower case, and decoded", () => {
    const ask = askViews<[bigint, bigint]>([balanceOf, balanceOf]);
    const call = { to: TOKEN.toLowerCase(), data: `0x70a08231${HOLDER.slice(2).padStart(64, "0")}` };
    expect(ask.next()).toEqual({ done: false, value: [call, call] });
    const answers = [7n, 9n].map((result) =>
      encodeFunctionResult({ abi: erc20Abi, functionName: "balanceOf", result }),
    );
    expect(ask.next(answers)).toEqual({ done: true, value: [7n, 9n] });
  });

  it.each<Hex>(["0x", "0x07", `0x${"00".repeat(31)}`])("is refused when it answers %s", (answer) => {
    expect(() => balanceOf.decode(answer)).toThrow(InputError);
    expect(() => balanceOf.decode(answer)).toThrow(/balanceOf of 0x\w+ returned/);
  });
});
