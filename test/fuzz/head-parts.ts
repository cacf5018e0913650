/**
 * Mutations of what a bundle says of its checkpoint: who has cosigned it, and which chain has it. The attacker has keys of
 * his own under any name, and contracts and blocks of his own.
 */
import { cosignerOf } from "../../src/core/log/cosignature.ts";
import { headNote } from "../../src/core/log/head-note.ts";
import type { LogHead } from "../../src/core/proof/anchor.ts";
import { fromBase64, toBase64 } from "../../src/core/proof/bytes.ts";
import { parseCheckpoint, parseNote } from "../../src/core/proof/note.ts";
import { anchoringOf } from "../unit/proof/anchor-sample.ts";
import { anchorAt } from "./forge.ts";
import type { Bench, PartMutation } from "./parts.ts";
import type { Tree } from "./tree.ts";

const OWN_KEY = new Uint8Array(32).fill(99);
const OWN_BLOCK = 2_000_000;
/** Lines above the first cosignature: the text, an empty line, the log's signature. */
const LINES_ABOVE = 5;

type Lines = { above: string[]; cosignatures: string[] };

function linesOf({ checkpoint }: Tree): Lines {
  const lines: string[] = checkpoint.split(/(?<=\n)/);
  return { above: lines.slice(0, LINES_ABOVE), cosignatures: lines.slice(LINES_ABOVE) };
}

/** Other lines of witnesses, with their number, as long as there are some. */
const cosigned =
  (change: (lines: string[], bench: Bench) => string[], { isCounted = true } = {}): PartMutation =>
  (bench) => {
    const { bundle } = bench;
    if (bundle.checkpoint === undefined) return false;
    const { above, cosignatures } = linesOf(bundle);
    if (cosignatures.length === 0) return false;
    const lines = change([...cosignatures], bench);
    bundle.checkpoint = [...above, ...lines].join("");
    if (isCounted) bundle.claims.witnessed = String(lines.length);
    return lines.join("") !== cosignatures.join("");
  };

/** A line with its signature's bytes changed. */
function withBytes(line: string, change: (bytes: Uint8Array) => void): string {
  const [dash, name, encoded] = line.trimEnd().split(" ") as [string, string, string];
  const bytes = fromBase64(encoded);
  change(bytes);
  return `${dash} ${name} ${toBase64(bytes)}\n`;
}

/** Something of where the checkpoint is said to be. */
const anchored =
  (change: (bundle: Tree, bench: Bench) => void): PartMutation =>
  (bench) => {
    const { bundle } = bench;
    if (bundle.anchor === undefined || bundle.anchor === null) return false;
    const before = JSON.stringify([bundle.claims, bundle.anchor]);
    change(bundle, bench);
    return JSON.stringify([bundle.claims, bundle.anchor]) !== before;
  };

const headOf = ({ checkpoint }: Tree): LogHead => parseCheckpoint(parseNote(checkpoint).text);

export const HEAD_MUTATIONS: Readonly<Record<string, PartMutation>> = {
  "another number of cosignatures": ({ bundle, draw }) => {
    if (bundle.claims === undefined) return false;
    const before = bundle.claims.witnessed;
    bundle.claims.witnessed = draw.one(["0", "1", "3", "02", "2.0", "64"]);
    return bundle.claims.witnessed !== before;
  },
  "a cosignature less": cosigned((lines, { draw }) => lines.toSpliced(draw.below(lines.length), 1)),
  "a cosignature less, uncounted": cosigned((lines, { draw }) => lines.toSpliced(draw.below(lines.length), 1), {
    isCounted: false,
  }),
  "no cosignatures": cosigned(() => []),
  "cosignatures in another order": cosigned((lines) => lines.toReversed()),
  "a cosignature twice": cosigned((lines, { draw }) => {
    const at = draw.below(lines.length);
    return lines.toSpliced(at, 0, lines[at] as string);
  }),
  "a cosignature of another checkpoint": cosigned((lines, { other, draw }) => {
    const at = draw.below(lines.length);
    const theirs = other.checkpoint === undefined ? undefined : linesOf(other).cosignatures[at];
    return lines.with(at, theirs ?? (lines[at] as string));
  }),
  "a cosignature at another time": cosigned((lines, { draw }) => {
    const at = draw.below(lines.length);
    // After the id of the key stand the eight bytes of the time.
    return lines.with(
      at,
      withBytes(lines[at] as string, (bytes) => {
        const place = 4 + draw.below(8);
        bytes[place] = (bytes[place] as number) ^ (1 << draw.below(8));
      }),
    );
  }),
  "a cosignature by another key of the same name": cosigned((lines, { bundle, draw }) => {
    const at = draw.below(lines.length);
    const [, name = ""] = (lines[at] as string).split(" ");
    const line = cosignerOf(name, OWN_KEY).cosign(parseNote(bundle.checkpoint).text, 1_775_088_600n);
    const { above } = linesOf(bundle);
    return linesOf({ checkpoint: headNote(above.join(""), lines.with(at, line)) }).cosignatures;
  }),
  "a cosignature in another's name": cosigned((lines, { draw }) => {
    const at = draw.below(lines.length);
    return lines.with(
      at,
      (lines[at] as string).replace(/ \S+ /, draw.one([" c.example/w ", " plumbline.example/test "])),
    );
  }),
  "another's anchor": anchored((bundle, { other }) => {
    if (other.anchor === undefined || other.anchor === null) return;
    anchorAt(bundle, { anchored: other.claims.anchored, evidence: other.anchor });
  }),
  "another's receipt as an anchor": anchored((bundle, { other }) => {
    bundle.anchor = structuredClone(other.anchor ?? bundle.anchor);
  }),
  "another contract as an anchor": anchored(({ claims }) => {
    claims.anchored.contract = `0x${"ad".repeat(20)}`;
  }),
  "another place of the anchor": anchored(({ claims }, { draw }) => {
    const [key, value] = draw.one([
      ["chain", "eip155:902"],
      ["blockNumber", "1"],
      ["blockHash", `0x${"ab".repeat(32)}`],
    ] as const);
    claims.anchored[key] = value;
  }),
  "no anchor": anchored((bundle) => anchorAt(bundle, null)),
  "an anchor without a receipt, or a receipt alone": anchored((bundle, { draw }) => {
    if (draw.chance() < 0.5) bundle.anchor = null;
    else bundle.claims.anchored = null;
  }),
  "an anchor in the attacker's block": anchored((bundle) =>
    anchorAt(bundle, anchoringOf(headOf(bundle), { number: OWN_BLOCK })),
  ),
  "an anchor by the attacker's contract": anchored((bundle) =>
    anchorAt(bundle, anchoringOf(headOf(bundle), { contract: `0x${"ad".repeat(20)}`, number: OWN_BLOCK })),
  ),
  "an anchor of another head, in the real block": anchored((bundle, { draw }) => {
    const { size, root } = headOf(bundle);
    const { evidence } = anchoringOf({ size: draw.one([size - 1, size + 1]), root }, { number: OWN_BLOCK });
    if (draw.chance() < 0.5) evidence.header = bundle.anchor.header;
    bundle.anchor = evidence;
  }),
  "another transaction of the anchor's block": anchored(({ anchor }, { draw }) => {
    anchor.transactions = draw.one([["0"], ["1"], ["0", "1", "2"], ["3"]]);
  }),
};
