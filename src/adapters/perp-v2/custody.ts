/**
 * What the vault holds of a token, against what it owes its customers. The balance is read at an epoch's end; the debts
 * are those of the fold at the same place, so that both are of one block.
 */
import { type Custody, type CustodyFigure, owedTo } from "../../core/custody.ts";
import { InvariantError } from "../../core/errors.ts";
import { type Reading, type ReadRequest, readRequest } from "../../core/event.ts";
import type { Hex } from "../../core/ids.ts";
import type { ProtocolDeployment } from "../../core/margin-model.ts";
import type { Fold } from "./fold.ts";
import { contractsOf } from "./sources.ts";

/** `<token>.balanceOf(Vault)` of every token the deployment lists. */
export function custodyReads(config: ProtocolDeployment): ReadRequest[] {
  const { Vault } = contractsOf(config);
  return [config.settlement, ...(config.collateral ?? [])].map(({ address }) => {
    const token = address.toLowerCase() as Hex;
    return readRequest(`custody:${token}`, { address: token, view: "Erc20.balanceOf", args: [Vault] });
  });
}

/** Keeps what the vault holds of a token, beside what it owes now. */
export function applyCustody(fold: Fold, token: string, result: Reading["result"]): void {
  const balance = result?.[0] ?? null;
  if (balance !== null && typeof balance !== "bigint")
    throw new InvariantError(`The balance of ${token} is no integer.`);
  fold.journal.set(fold.state.custody, token, balance === null ? null : custodyOf(fold, token, balance));
}

/** Custody of a token as last read. */
export function lastCustody({ state }: Fold, asset: string): CustodyFigure {
  const custody = state.custody.get(asset.toLowerCase());
  if (custody === undefined) return { custody: null, reason: "NOT_YET_READ" };
  return custody === null ? { custody: null, reason: "READ_REVERTED" } : { custody, reason: null };
}

function custodyOf(fold: Fold, token: string, balance: bigint): Custody {
  const isSettlement = token === fold.settlement.address;
  const decimals = isSettlement ? fold.settlement.decimals : (fold.state.collateral.get(token)?.decimals ?? 18);
  const unit = 10n ** BigInt(18 - decimals);
  return { held: balance * unit, owed: owedTo(claims(fold, { token, unit, isSettlement })) };
}

/**
 * What each trader could ask of the vault if all positions stood still: `Vault.getBalanceByToken`, for the settlement
 * token with `owedRealizedPnl` of `AccountBalance`. Gains and losses of open positions are in neither. The insurance
 * fund is no customer.
 */
function* claims(
  { state, insuranceFund }: Fold,
  { token, unit, isSettlement }: { token: string; unit: bigint; isSettlement: boolean },
): Generator<readonly [string, bigint]> {
  for (const { address, balances, owed } of state.accounts.values()) {
    if (address === insuranceFund) continue;
    yield [address, (balances.get(token) ?? 0n) * unit + (isSettlement ? owed : 0n)];
  }
}
