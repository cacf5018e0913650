import { concatHex, size, sliceHex } from "viem";
import { ProviderError } from "../core/errors.ts";
import type { Reading } from "../core/event.ts";
import type { Hex } from "../core/ids.ts";
import type { Client } from "./ponder.ts";
import { type Place, readingId } from "./reader.ts";

/**
 * Creation code that deploys nothing: run by a call, it answers with one byte for each address appended to it, 1 where
 * there is code. In Yul:
 *
 *     let first := datasize("HasCode")
 *     let count := div(sub(codesize(), first), 20)
 *     for { let i := 0 } lt(i, count) { i := add(i, 1) } {
 *       codecopy(0, add(first, mul(i, 20)), 20)
 *       mstore8(add(32, i), iszero(iszero(extcodesize(shr(96, mload(0))))))
 *     }
 *     return(32, count)
 */
const HAS_CODE: Hex =
  "0x60366014813803049060005b828110601657826020f35b8060148060019302840160003960005160601c3b1515816020015301600b56";

/** Well below the limits of creation code (49,152 bytes) and of what nodes let a call use. */
const ADDRESSES_PER_CALL = 500;

/**
 * Whether addresses carry code, a reading each. Asked for many at once: a request for each of some thousand accounts
 * would take longer than all else a block needs, and Ponder keeps no answer that there is no code.
 * @throws ProviderError when a node answers with something else.
 */
export async function readCodes(
  addresses: readonly Hex[],
  { client, place }: { client: Client; place: Place },
): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (let from = 0; from < addresses.length; from += ADDRESSES_PER_CALL) {
    const asked = addresses.slice(from, from + ADDRESSES_PER_CALL);
    const { data } = await client.call({ data: concatHex([HAS_CODE, ...asked]) });
    if (data === undefined || size(data) !== asked.length) {
      throw new ProviderError(`A node said of ${asked.length} addresses whether they have code with ${data}.`);
    }
    asked.forEach((address, i) => {
      const key = `code:${address}`;
      const result = [sliceHex(data, i, i + 1) === "0x01"];
      const call = { key, address, functionName: "hasCode", args: [address], result };
      readings.push({ ...place, id: readingId(place, key), ...call });
    });
  }
  return readings;
}
