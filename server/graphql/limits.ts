import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from "graphql";

/** Bounds of one question. Fields are counted as fragments spread them, not as they are written. */
export const GRAPHQL_LIMITS = {
  bodyBytes: 65_536,
  depth: 12,
  fields: 600,
  aliases: 30,
  comparisons: 10,
  proofs: 1,
  listItems: 500,
} as const;

/** Fields of a question that are worked out anew each time, over books or the whole rulebook. */
const COMPARISONS: ReadonlySet<string> = new Set([
  "matrix",
  "divergence",
  "commonCore",
  "rules",
  "classification",
  "regulatoryMargin",
]);

/** `comparisons` and `proofs` are those at the top of a selection; every other figure is of all levels below it. */
type Size = { depth: number; fields: number; aliases: number; comparisons: number; proofs: number };

const NOTHING: Readonly<Size> = { depth: 0, fields: 0, aliases: 0, comparisons: 0, proofs: 0 };

/** A validation rule that refuses documents beyond `GRAPHQL_LIMITS`. Introspection is free: its depth is fixed. */
export const limitRule: ValidationRule = (context: ValidationContext) => ({
  ListValue(node) {
    if (node.values.length <= GRAPHQL_LIMITS.listItems) return;
    context.reportError(
      new GraphQLError(`A list has ${node.values.length} items; at most ${GRAPHQL_LIMITS.listItems} are taken.`),
    );
  },
  Document(document: DocumentNode) {
    const fragments = new Map<string, FragmentDefinitionNode>();
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
    }
    const sizes = new Map<string, Size>();
    for (const definition of document.definitions) {
      if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
      const size = measure(definition.selectionSet, fragments, sizes);
      for (const what of ["depth", "fields", "aliases", "comparisons", "proofs"] as const) {
        if (size[what] <= GRAPHQL_LIMITS[what]) continue;
        context.reportError(
          new GraphQLError(`The question has ${what} ${size[what]}; at most ${GRAPHQL_LIMITS[what]} is answered.`),
        );
      }
    }
  },
});

/** Each fragment is measured once, so that a document cannot make the measuring itself expensive. */
function measure(
  set: SelectionSetNode,
  fragments: Map<string, FragmentDefinitionNode>,
  sizes: Map<string, Size>,
): Size {
  const total: Size = { ...NOTHING };
  for (const selection of set.selections) {
    const part = sizeOfSelection(selection, fragments, sizes);
    total.depth = Math.max(total.depth, part.depth);
    total.fields += part.fields;
    total.aliases += part.aliases;
    total.comparisons += part.comparisons;
    total.proofs += part.proofs;
  }
  return total;
}

function sizeOfSelection(
  selection: SelectionSetNode["selections"][number],
  fragments: Map<string, FragmentDefinitionNode>,
  sizes: Map<string, Size>,
): Size {
  if (selection.kind === Kind.INLINE_FRAGMENT) return measure(selection.selectionSet, fragments, sizes);
  if (selection.kind === Kind.FRAGMENT_SPREAD) {
    const name = selection.name.value;
    const known = sizes.get(name);
    if (known !== undefined) return known;
    // A fragment within itself counts as nothing here; another rule refuses it.
    sizes.set(name, NOTHING);
    const fragment = fragments.get(name);
    const size = fragment ? measure(fragment.selectionSet, fragments, sizes) : NOTHING;
    sizes.set(name, size);
    return size;
  }
  if (selection.name.value.startsWith("__")) return { ...NOTHING, depth: 1, fields: 1 };
  const inner = selection.selectionSet ? measure(selection.selectionSet, fragments, sizes) : NOTHING;
  return {
    depth: inner.depth + 1,
    fields: inner.fields + 1,
    aliases: inner.aliases + (selection.alias === undefined ? 0 : 1),
    comparisons: COMPARISONS.has(selection.name.value) ? 1 : 0,
    proofs: selection.name.value === "prove" ? 1 : 0,
  };
}

/** How many array elements and object members a request's variables hold, all levels together. */
export function countItems(value: unknown, stopAt: number = GRAPHQL_LIMITS.listItems + 1): number {
  let count = 0;
  const open: unknown[] = [value];
  while (open.length > 0 && count < stopAt) {
    const next = open.pop();
    if (typeof next !== "object" || next === null) continue;
    const children = Object.values(next);
    count += children.length;
    open.push(...children.slice(0, stopAt));
  }
  return count;
}
