/**
 * Checking a file that is read in one go, link by link: its shape, and then what rests on it.
 */
import { type Finding, guarded, holds, refuted, sentenceOf, shown, unsettled } from "./verification.ts";

/** A kind of file. `name` is what one is called, `whole` says that one is of its shape. */
export type FileKind<File> = { name: string; whole: string; parse(bytes: Uint8Array): File };

/** One link by name, and a sentence for a person; `ok` as in the links of a bundle. */
export type NamedFinding<Name extends string> = { link: Name } & Finding;

/** How each link but the shape is checked. */
type Checks<File, Name extends string> = Readonly<Record<Exclude<Name, "shape">, (file: File) => Finding>>;

/**
 * Looks at every link, the shape among them. Of bytes that are no such file nothing else is looked at. Never throws.
 * @returns the file, null where the bytes are none, and the links in the order of `names`.
 */
export function checkLinks<File, Name extends string>(
  bytes: Uint8Array,
  { kind, names, checks }: { kind: FileKind<File>; names: readonly Name[]; checks: Checks<File, Name> },
): { file: File | null; links: NamedFinding<Name>[] } {
  const each = (find: (link: Name) => Finding) =>
    names.map((link): NamedFinding<Name> => {
      const { ok, sentence } = find(link);
      return { link, ok, sentence: shown(sentence) };
    });
  let file: File;
  try {
    file = kind.parse(bytes);
  } catch (error) {
    const none = unsettled(`Not looked at: this is no ${kind.name}.`);
    return { file: null, links: each((link) => (link === "shape" ? refuted(sentenceOf(error)) : none)) };
  }
  const find = (link: Name): Finding => {
    if (link === "shape") return holds(kind.whole);
    return guarded(() => checks[link as Exclude<Name, "shape">](file));
  };
  return { file, links: each(find) };
}

/** `verified` when every link that is needed holds, `refuted` when any link does not, `unchecked` otherwise. */
export function statusOf<Name extends string>(
  links: readonly NamedFinding<Name>[],
  needed: readonly Name[],
): "verified" | "refuted" | "unchecked" {
  if (links.some(({ ok }) => ok === false)) return "refuted";
  const holding = new Set(links.filter(({ ok }) => ok === true).map(({ link }) => link));
  return needed.every((link) => holding.has(link)) ? "verified" : "unchecked";
}
