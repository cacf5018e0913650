type Link = { link: string; ok: boolean | null; sentence: string };

const MARKS = new Map([
  [true, "ok     "],
  [false, "FAILED "],
  [null, "-      "],
]);

/** A line for every link of a proof: whether it holds, its name, its sentence. */
export function linkLines(links: readonly Link[]): string[] {
  const width = Math.max(...links.map(({ link }) => link.length)) + 1;
  return links.map(({ link, ok, sentence }) => `${MARKS.get(ok)}${link.padEnd(width)}${sentence}`);
}

/** What a refuted proof comes to, in a sentence that names the first link that fails. */
export function refutation(links: readonly Link[]): string {
  const first = links.find(({ ok }) => ok === false)?.link;
  return `Refuted by its ${first}: do not rely on this file.`;
}

/** What a proof comes to in which nothing fails, and not everything could be checked. */
export const UNCHECKED = "Unchecked: nothing is wrong with what could be looked at, but not everything could be.";
