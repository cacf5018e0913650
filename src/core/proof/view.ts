/** View functions by their ABI, for asks. */
import type { Abi } from "viem";
import { decodeFunctionResult, encodeFunctionData } from "viem/utils";
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import type { Ask, ViewCall } from "./ask.ts";

/** A view call whose answer is a `T` as viem decodes it: integers are bigint, several results an array. */
export type View<T> = ViewCall & { decode: (data: Hex) => T };

/** A view function of a contract with its arguments. `T` is the caller's word for what its ABI says it returns. */
export function view<T>(
  contract: Hex,
  of: { abi: unknown; functionName: string; args?: readonly (Hex | bigint | boolean)[] },
): View<T> {
  const { abi, functionName, args = [] } = of;
  const data = encodeFunctionData({ abi: abi as Abi, functionName, args });
  const decode = (returned: Hex): T => {
    try {
      return decodeFunctionResult({ abi: abi as Abi, functionName, data: returned }) as T;
    } catch (cause) {
      throw new InputError(
        `${functionName} of ${contract} returned ${returned.slice(0, 66)}, which is no answer to it.`,
        {
          cause,
        },
      );
    }
  };
  return { to: contract.toLowerCase() as Hex, data, decode };
}

/** Asks for views in one round, and gives their results in the same order. @throws InputError for one that is malformed. */
export function* askViews<T extends readonly unknown[]>(views: { [K in keyof T]: View<T[K]> }): Ask<T> {
  const answers = yield views.map(({ to, data }) => ({ to, data }));
  return views.map((one, i) => one.decode(answers[i] as Hex)) as unknown as T;
}
