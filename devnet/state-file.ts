import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";
import { InputError } from "../src/core/errors.ts";
import type { Hex } from "../src/core/ids.ts";
import { VARIANTS, type VariantName } from "./market/variants.ts";

const hex = z.custom<Hex>((value) => typeof value === "string" && /^0x([0-9a-f]{2})+$/.test(value));
const hash = z.custom<Hex>((value) => typeof value === "string" && /^0x[0-9a-f]{64}$/.test(value));

const chainShape = z.strictObject({
  height: z.number().int().nonnegative(),
  hash,
  /** Whether somebody else's reorg has left blocks that the seed does not give. */
  reorged: z.boolean(),
  /** What others sent to the chain, to be put into the same blocks again. */
  strangers: z.array(
    z.strictObject({ height: z.number().int().positive(), index: z.number().int().nonnegative(), raw: hex }),
  ),
});

const shape = z.strictObject({
  version: z.literal(2),
  seed: z.number().int(),
  historyBlocks: z.number().int().positive(),
  variant: z.enum(Object.keys(VARIANTS) as [VariantName, ...VariantName[]]).default("crash"),
  /** What the gate was made to follow; null where there is none. A later rulebook must not make other blocks. */
  gate: z.strictObject({ rulebookHash: hash, deploymentHash: hash, kernel: z.string() }).nullable(),
  /** By chain id. */
  chains: z.record(z.string(), chainShape),
  /** The run that wrote this and its nodes, while it lasts. */
  owner: z.number().int().positive().nullable(),
  pids: z.array(z.number().int().positive()),
});

/** What a devnet remembers between runs: enough to lay down the same blocks again and to notice when it cannot. */
export type DevnetState = z.infer<typeof shape>;
export type ChainState = z.infer<typeof chainShape>;
/** Rulebook, deployment and kernel whose epochs a gate accepts. */
export type GateGround = NonNullable<DevnetState["gate"]>;

function pathIn(data: string): string {
  return join(data, "devnet.json");
}

/** Reads the state a former run left in `data`, `null` where there is none. @throws InputError when it is malformed. */
export function readState(data: string): DevnetState | null {
  const path = pathIn(data);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new InputError(`${path} cannot be read: ${(error as Error).message}.`);
  }
  try {
    return shape.parse(JSON.parse(text));
  } catch {
    throw new InputError(`${path} is not a devnet's state; remove it to begin a new devnet.`);
  }
}

/** Writes the state so that a reader, or a crash, sees the old or the new one and nothing between. */
export function writeState(data: string, state: DevnetState): void {
  const path = pathIn(data);
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(draft, path);
}
