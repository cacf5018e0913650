/** Rows of the tables that are projections, to and from what the book leaves behind. */
import type { Assessment, Epoch, EpochLeaf } from "../core/assessment.ts";
import type { AssetTotals } from "../core/book/epochs.ts";
import { formatDecimal } from "../core/fixed.ts";

/** Row of `assessment`, recorded while block `recordedBlock` was indexed. */
export function assessmentRow(
  a: Assessment,
  { chainId, recordedBlock, ordinal }: { chainId: number; recordedBlock: bigint; ordinal: number },
) {
  const decimals = Number(a.decimals);
  const measuredValue = a.measured === null ? null : BigInt(a.measured);
  return {
    id: a.id,
    chain: a.chain,
    chainId,
    protocol: a.protocol,
    subject: a.subject,
    account: a.account,
    ruleId: a.ruleId,
    rulebookHash: a.rulebookHash,
    deploymentHash: a.deploymentHash,
    kernel: a.kernel,
    testPoint: a.testPoint,
    condition: a.condition,
    metric: a.metric,
    inputs: a.inputs,
    measured: measuredValue === null ? null : formatDecimal(measuredValue, decimals),
    measuredValue,
    decimals,
    operator: a.operator,
    threshold: a.threshold,
    unit: a.unit,
    reason: a.reason,
    blockNumber: BigInt(a.blockNumber),
    blockHash: a.blockHash,
    blockTimestamp: BigInt(a.blockTimestamp),
    recordedBlock,
    ordinal,
  };
}

export type AssessmentRow = ReturnType<typeof assessmentRow>;

/** The assessment behind a row. */
export function assessmentOf(row: AssessmentRow): Assessment {
  return {
    id: row.id,
    chain: row.chain,
    protocol: row.protocol,
    subject: row.subject,
    account: row.account,
    ruleId: row.ruleId,
    rulebookHash: row.rulebookHash,
    deploymentHash: row.deploymentHash,
    kernel: row.kernel,
    testPoint: row.testPoint,
    condition: row.condition,
    metric: row.metric,
    inputs: row.inputs,
    measured: row.measuredValue === null ? null : row.measuredValue.toString(),
    decimals: row.decimals.toString(),
    unit: row.unit,
    reason: row.reason,
    operator: row.operator,
    threshold: row.threshold,
    blockNumber: row.blockNumber.toString(),
    blockHash: row.blockHash,
    blockTimestamp: row.blockTimestamp.toString(),
  };
}

/** Row of `epoch_root`. */
export function epochRow(epoch: Epoch, chainId: number) {
  return {
    ...epoch,
    id: `${epoch.chain}/${epoch.number}`,
    chainId,
    number: BigInt(epoch.number),
    fromBlock: BigInt(epoch.fromBlock),
    toBlock: BigInt(epoch.toBlock),
    stateCount: Number(epoch.stateCount),
    assessmentCount: Number(epoch.assessmentCount),
    collateralCount: Number(epoch.collateralCount),
  };
}

export type EpochRow = ReturnType<typeof epochRow>;

/** The epoch behind a row. */
export function epochOf(row: EpochRow): Epoch {
  const { chain, blockHash, stateRoot, assessmentRoot, collateralRoot, rulebookHash, deploymentHash, kernel } = row;
  return {
    chain,
    number: row.number.toString(),
    fromBlock: row.fromBlock.toString(),
    toBlock: row.toBlock.toString(),
    blockHash,
    stateRoot,
    stateCount: row.stateCount.toString(),
    assessmentRoot,
    assessmentCount: row.assessmentCount.toString(),
    collateralRoot,
    collateralCount: row.collateralCount.toString(),
    rulebookHash,
    deploymentHash,
    kernel,
  };
}

/** Row of `epoch_collateral`. */
export function epochCollateralRow(
  { protocol, asset, accounts, held, required, root, unknown }: AssetTotals,
  { epoch, chainId }: { epoch: Epoch; chainId: number },
) {
  return {
    id: `${epoch.chain}/${epoch.number}/${protocol}|${asset}`,
    chain: epoch.chain,
    chainId,
    number: BigInt(epoch.number),
    toBlock: BigInt(epoch.toBlock),
    protocol,
    asset,
    accounts: Number(accounts),
    held: BigInt(held),
    required: BigInt(required),
    unknown: Number(unknown),
    decimals: 18,
    root,
  };
}

/** Row of `epoch_leaf`; `ordinal` is its place among the changed leaves of its epoch. */
export function epochLeafRow(
  leaf: EpochLeaf,
  { epoch, chainId, ordinal }: { epoch: Epoch; chainId: number; ordinal: number },
) {
  return {
    ...leaf,
    id: `${epoch.chain}/${epoch.number}/${ordinal}`,
    chain: epoch.chain,
    chainId,
    number: BigInt(epoch.number),
    toBlock: BigInt(epoch.toBlock),
    ordinal,
  };
}

export type EpochLeafRow = ReturnType<typeof epochLeafRow>;

/** The leaf behind a row. */
export function epochLeafOf({ tree, key, state }: EpochLeafRow): EpochLeaf {
  return { tree, key, state };
}
