/**
 * Mutations of parts of bundles that know what they mean: another bundle's part in the place of one's own, a claim that
 * is another, a witness or receipts that are not the block's. Each changes the bundle in place and says whether it could.
 */
import { deploymentJson } from "../../src/core/deployment.ts";
import type { Hex } from "../../src/core/ids.ts";
import { fromBase64, toBase64, toHex } from "../../src/core/proof/bytes.ts";
import { keccak256 } from "../../src/core/proof/chain/keccak.ts";
import type { Receipt } from "../../src/core/proof/chain/receipt.ts";
import { CODE_LIMITS } from "../../src/core/proof/codes.ts";
import { bodyHash } from "../../src/core/proof/leaf.ts";
import { deploymentFrom } from "../../src/core/proof/links/place.ts";
import { packBytes, unpackBytes } from "../../src/core/proof/packing.ts";
import { rulebookHash } from "../../src/core/rules/digest.ts";
import type { Draw } from "./draw.ts";
import { forgeReceipts, forgeState } from "./forge.ts";
import { HEAD_MUTATIONS } from "./head-parts.ts";
import type { Tree } from "./tree.ts";

/** What is mutated, and an honest bundle of another kind, subject, block or chain. */
export type Bench = { bundle: Tree; other: Tree; draw: Draw };
export type PartMutation = (bench: Bench) => boolean | Promise<boolean>;

const claimOf = (bundle: Tree): Tree => bundle.figure ?? bundle.assessment.body;
const witnessOf = (bundle: Tree): Tree | null => bundle.witness ?? bundle.evidence?.witness ?? null;
const logsOf = (bundle: Tree): Tree | null => (bundle.evidence?.kind === "logs" ? bundle.evidence : null);

/** Puts `value` in the place of what is there; false when it is the same. */
function put(into: Tree, key: string, value: Tree): boolean {
  if (value === undefined || JSON.stringify(into[key]) === JSON.stringify(value)) return false;
  into[key] = structuredClone(value);
  return true;
}

/** A field of the claim made the other bundle's. */
const claimed =
  (...keys: string[]): PartMutation =>
  ({ bundle, other }) =>
    keys.map((key) => key in claimOf(bundle) && put(claimOf(bundle), key, claimOf(other)[key])).includes(true);

/** Something of the witness changed. */
const witnessed =
  (change: (witness: Tree, bench: Bench) => boolean): PartMutation =>
  (bench) => {
    const witness = witnessOf(bench.bundle);
    return witness !== null && change(witness, bench);
  };

const withSlots = (witness: Tree): Tree[] => witness.accounts.filter(({ slots }: Tree) => slots.length > 0);

/** Renames the code of every account that has it. */
function recode(witness: Tree, { from, code }: { from: Hex; code: Uint8Array }): void {
  const to = toHex(keccak256(code));
  delete witness.codes[from];
  witness.codes[to] = toBase64(packBytes(code));
  for (const account of witness.accounts) if (account.codeHash === from) account.codeHash = to;
}

const wholeCodes = (witness: Tree): Hex[] =>
  Object.keys(witness.codes).filter((hash) => typeof witness.codes[hash] === "string") as Hex[];

/** Other receipts, in a block of the attacker's or in the real one. */
const received =
  (change: (receipts: Receipt[], draw: Draw) => Receipt[]): PartMutation =>
  ({ bundle, draw }) => {
    if (logsOf(bundle) === null) return false;
    forgeReceipts(bundle, { change: (receipts) => change(receipts, draw), isOwnHeader: draw.chance() < 0.5 });
    return true;
  };

/** The last receipt with its logs changed: the one that the claim is about. */
const withLogs = (change: (logs: Tree[], draw: Draw) => Tree[]) =>
  received((receipts, draw) => {
    const { logs, ...rest } = receipts.at(-1) as Receipt;
    return [...receipts.slice(0, -1), { ...rest, logs: change([...logs], draw) }];
  });

export const PART_MUTATIONS: Readonly<Record<string, PartMutation>> = {
  ...HEAD_MUTATIONS,
  "another's evidence": ({ bundle, other }) => {
    if (bundle.witness !== undefined) return put(bundle, "witness", witnessOf(other) ?? undefined);
    return bundle.evidence !== null && put(bundle, "evidence", other.evidence ?? undefined);
  },
  "another's evidence and place": (bench) => {
    const { bundle, other } = bench;
    const isThere = bundle.evidence !== null && put(bundle, "evidence", other.evidence ?? undefined);
    return isThere && Boolean(claimed("chain", "blockNumber", "blockHash", "blockTimestamp")(bench));
  },
  "another subject": claimed("subject", "account"),
  "another spelling of the subject": ({ bundle }) => {
    const claim = claimOf(bundle);
    const louder = (text: Tree) => text?.replace(/0x[0-9a-f]+/g, (hex: string) => `0x${hex.slice(2).toUpperCase()}`);
    const isChanged = put(claim, "subject", louder(claim.subject));
    if (claim.account !== null) claim.account = louder(claim.account);
    return isChanged;
  },
  "another account beside the subject": claimed("account"),
  "another chain": claimed("chain"),
  "another chain, throughout": claimed("chain", "protocol"),
  "another block": claimed("blockNumber", "blockHash", "blockTimestamp"),
  "another block's hash": claimed("blockHash"),
  "another time": claimed("blockTimestamp"),
  "another test point": ({ bundle, draw }) => {
    const claim = claimOf(bundle);
    return put(claim, "testPoint", draw.one(["end", "epoch:0", "epoch:1", "day:2026-04-02", "log:0", "log:1"]));
  },
  "another kernel": ({ bundle, draw }) =>
    put(claimOf(bundle), "kernel", draw.one(["plumbline-kernel/1", "plumbline-kernel/9", "plumbline-kernel"])),
  "another metric": claimed("metric"),
  "another figure": claimed("measured", "inputs"),
  "another input": ({ bundle, draw }) => {
    const { inputs } = claimOf(bundle);
    const name = draw.one(Object.keys(inputs));
    const value = BigInt(inputs[name]);
    inputs[name] = draw.one([value + 1n, value - 1n, value * 2n, value / 2n, -value]).toString();
    return true;
  },
  "an input more": ({ bundle, draw }) => {
    const { inputs } = claimOf(bundle);
    const name = draw.one(["equity", "owed.x", `owed.0x${"12".repeat(20)}`, "notional.crypto", "__proto", "now"]);
    return !(name in inputs) && put(inputs, name, "1");
  },
  "an input less": ({ bundle, draw }) => {
    const { inputs } = claimOf(bundle);
    return delete inputs[draw.one(Object.keys(inputs))];
  },
  "another rule": claimed("ruleId"),
  "another rulebook": ({ bundle, other }) => put(bundle, "rulebook", other.rulebook),
  "another rulebook's hash": ({ bundle, draw }) =>
    put(claimOf(bundle), "rulebookHash", `0x${draw.one(["00", "ab", "ff"]).repeat(32)}`),
  "a rule's threshold": ({ bundle, draw }) => {
    for (const file of Object.values<Tree>(bundle.rulebook?.files ?? {})) {
      const row = file.rules?.find?.((rule: Tree) => typeof rule === "object");
      if (row !== undefined) return put(row, "threshold", draw.one(["0", "0.01", "1000"]));
    }
    return false;
  },
  "a rule's threshold, its rulebook named": (bench) => {
    const { bundle } = bench;
    if (!PART_MUTATIONS["a rule's threshold"]?.(bench)) return false;
    return put(claimOf(bundle), "rulebookHash", rulebookHash(bundle.rulebook));
  },
  "another deployment": ({ bundle, draw }) => {
    if (bundle.deployment === null) return false;
    const { contracts } = draw.one(bundle.deployment.chains[draw.below(2)].protocols as Tree[]);
    const [a, b] = [draw.one(Object.keys(contracts)), draw.one(Object.keys(contracts))];
    [contracts[a], contracts[b]] = [contracts[b], contracts[a]];
    return contracts[a] !== contracts[b];
  },
  "another contract, its deployment named": (bench) => {
    const { bundle } = bench;
    if (!PART_MUTATIONS["another deployment"]?.(bench)) return false;
    return put(claimOf(bundle), "deploymentHash", bodyHash(deploymentJson(deploymentFrom(bundle.deployment))));
  },
  "another deployment's hash": ({ bundle }) => put(claimOf(bundle), "deploymentHash", `0x${"cd".repeat(32)}`),
  "a bundle said to be more": ({ bundle, draw }) =>
    bundle.claims !== undefined && put(bundle.claims, "assurance", draw.one(["attested", "authentic", "proven"])),
  "another's checkpoint": ({ bundle, other }) =>
    bundle.checkpoint !== undefined && put(bundle, "checkpoint", other.checkpoint),
  "another's place in the log": ({ bundle, other }) => {
    if (bundle.assessment === undefined || other.assessment === undefined) return false;
    const { index, proof } = other.assessment;
    return put(bundle, "assessment", { ...bundle.assessment, index, proof });
  },
  "another verdict": ({ bundle, draw }) => {
    const opening = bundle.verdict?.opening;
    return opening != null && put(opening, "outcome", draw.one(["compliant", "breach", "indeterminate"]));
  },
  "a slot dropped": witnessed((witness, { draw }) => {
    const { slots } = draw.one(withSlots(witness));
    return slots.splice(draw.below(slots.length), 1).length === 1;
  }),
  "a slot of another value": witnessed((witness, { draw }) => {
    const slot = draw.one<Tree>(draw.one(withSlots(witness)).slots);
    return put(
      slot,
      "value",
      `0x${(BigInt(slot.value) ^ (1n << BigInt(draw.below(128)))).toString(16).padStart(64, "0")}`,
    );
  }),
  "a slot said to be empty": witnessed((witness, { draw }) =>
    put(draw.one<Tree>(draw.one(withSlots(witness)).slots), "value", `0x${"00".repeat(32)}`),
  ),
  "another account's slots": witnessed((witness, { draw }) => {
    const [a, b] = [draw.one(withSlots(witness)), draw.one(withSlots(witness))];
    [a.slots, b.slots] = [b.slots, a.slots];
    return a !== b;
  }),
  "an account dropped": witnessed((witness, { draw }) => {
    return witness.accounts.splice(draw.below(witness.accounts.length), 1).length === 1;
  }),
  "another account's fields": witnessed((witness, { draw }) => {
    const [a, b] = [draw.one<Tree>(witness.accounts), draw.one<Tree>(witness.accounts)];
    const key = draw.one(["nonce", "balance", "storageHash", "codeHash"]);
    return put(a, key, b[key]);
  }),
  "a code replaced": witnessed((witness, { draw }) => {
    const [from, by] = [draw.one(wholeCodes(witness)), draw.one(wholeCodes(witness))];
    if (from === by) return false;
    witness.codes[from] = witness.codes[by];
    return true;
  }),
  "a code changed, and its hash": witnessed((witness, { draw }) => {
    const from = draw.one(wholeCodes(witness));
    const code = unpackBytes(fromBase64(witness.codes[from]), CODE_LIMITS.bytes);
    const at = draw.below(code.length);
    code[at] = (code[at] as number) ^ (1 << draw.below(8));
    recode(witness, { from, code });
    return true;
  }),
  "a code packed otherwise": witnessed((witness, { draw }) => {
    const hash = draw.one(wholeCodes(witness));
    const code = unpackBytes(fromBase64(witness.codes[hash]), CODE_LIMITS.bytes);
    const runs = Array.from({ length: Math.ceil(code.length / 128) }, (_, i) => code.subarray(128 * i, 128 * (i + 1)));
    witness.codes[hash] = toBase64(Uint8Array.from(runs.flatMap((run) => [run.length - 1, ...run])));
    return true;
  }),
  "packed code changed": witnessed((witness, { draw }) => {
    const hash = draw.one(wholeCodes(witness));
    const packed = fromBase64(witness.codes[hash]);
    packed[draw.below(packed.length)] = draw.below(256);
    witness.codes[hash] = toBase64(draw.chance() < 0.8 ? packed : packed.subarray(0, draw.below(packed.length)));
    return true;
  }),
  "a code that returns one word": witnessed((witness, { draw }) => {
    const code = Uint8Array.from([0x60, draw.below(256), 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]);
    recode(witness, { from: draw.one(wholeCodes(witness)), code });
    return true;
  }),
  "a node dropped": witnessed((witness, { draw }) => {
    return witness.nodes.splice(draw.below(witness.nodes.length), 1).length === 1;
  }),
  "another's node": witnessed((witness, { other, draw }) => {
    const nodes = witnessOf(other)?.nodes ?? [];
    if (nodes.length === 0) return false;
    witness.nodes[draw.below(witness.nodes.length)] = draw.one(nodes);
    witness.nodes = [...new Set(witness.nodes)].sort();
    return true;
  }),
  "another's header": ({ bundle, other }) => {
    const from = witnessOf(other) ?? logsOf(other);
    const to = witnessOf(bundle) ?? logsOf(bundle);
    return from !== null && to !== null && put(to, "header", from.header);
  },
  "a forged state": async ({ bundle, draw }) => {
    if (witnessOf(bundle) === null) return false;
    await forgeState(bundle, draw);
    return true;
  },
  "a forged state in the real block": async ({ bundle, draw }) => {
    const witness = witnessOf(bundle);
    if (witness === null) return false;
    const { header } = witness;
    const { blockHash } = claimOf(bundle);
    await forgeState(bundle, draw);
    // Either the real header over the forged state, or a forged header under the real hash.
    if (draw.chance() < 0.5) witness.header = header;
    claimOf(bundle).blockHash = blockHash;
    return true;
  },
  "two receipts swapped": received((receipts) => receipts.toReversed()),
  "two logs swapped": withLogs((logs, draw) => {
    const at = draw.below(logs.length - 1);
    [logs[at], logs[at + 1]] = [logs[at + 1], logs[at]];
    return logs;
  }),
  "a log dropped": withLogs((logs, draw) => logs.toSpliced(draw.below(logs.length), 1)),
  "a log twice": withLogs((logs, draw) => logs.toSpliced(0, 0, draw.one(logs))),
  "a log of another contract": withLogs((logs, draw) => {
    const at = draw.below(logs.length);
    return logs.with(at, { ...logs[at], address: draw.one(logs).address });
  }),
  "a log of other data": withLogs((logs, draw) => {
    const at = draw.below(logs.length);
    const data = logs[at].data.slice();
    if (data.length > 0) data[data.length - 1] = (data[data.length - 1] as number) ^ 1;
    return logs.with(at, { ...logs[at], data });
  }),
  "another transaction": ({ bundle, draw }) => {
    const logs = logsOf(bundle);
    return logs !== null && put(logs, "transactions", draw.one([["0"], ["1"], ["0", "1", "2"], ["1", "0"]]));
  },
  "another's receipts": ({ bundle, other }) => {
    const logs = logsOf(bundle);
    return logs !== null && put(logs, "nodes", (logsOf(other) ?? witnessOf(other))?.nodes);
  },
};
