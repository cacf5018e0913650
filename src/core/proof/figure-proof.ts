/**
 * The proof of a figure that nobody has sealed: a witness of the block's state, from which the protocol's own views
 * state it. It is the RFC 8785 form of a `FigureProof`, and rests on the block's hash alone.
 */
import * as z from "zod";
import { InputError } from "../errors.ts";
import { canonicalBytes, type Json, parseCanonical } from "./canonical.ts";
import * as shapes from "./shapes.ts";
import { readWitness, type Witness } from "./witness.ts";

export const FIGURE_VERSION = "plumbline-figure/1";

export type { Figure } from "./shapes.ts";

/** `rulebook` is as `disclose` gives it, and null when the figure is measured by no rule. */
export type FigureProof = {
  version: typeof FIGURE_VERSION;
  deployment: Json;
  rulebook: Json | null;
  figure: shapes.Figure;
  witness: Witness;
};

/** The form of a figure proof; `parseFigureProof` checks more. */
export const figureProofShape = z.strictObject({
  version: z.literal(FIGURE_VERSION),
  deployment: shapes.object,
  rulebook: shapes.object.nullable(),
  figure: shapes.figure,
  witness: shapes.object,
});

/** The bytes of a figure proof. @throws InputError when a part is malformed. */
export function makeFigureProof(parts: Omit<FigureProof, "version">): Uint8Array {
  const { deployment, rulebook, figure, witness } = parts;
  const bytes = canonicalBytes({ version: FIGURE_VERSION, deployment, rulebook, figure, witness });
  parseFigureProof(bytes);
  return bytes;
}

/** Reads a figure proof and checks its form, nothing else. @throws InputError naming what is malformed. */
function parseFigureProof(bytes: Uint8Array): FigureProof {
  return readFigureProof(parseCanonical(bytes));
}

/** Reads a figure proof's JSON, which is known to be in canonical form. @throws InputError as `parseFigureProof`. */
export function readFigureProof(json: Json): FigureProof {
  const shaped = shapes.readShape(figureProofShape, json, "Figure proof");
  const proof: FigureProof = { ...shaped, witness: readWitness(shaped.witness) };
  const { figure, rulebook } = proof;
  shapes.requireValueOrReason(figure, "Figure proof: figure");
  const isRuled = rulebook !== null;
  if ((figure.ruleId !== null) !== isRuled || (figure.rulebookHash !== null) !== isRuled) {
    throw new InputError("Figure proof: rulebook: expected it with the figure's rule and its hash, and only then.");
  }
  return proof;
}
