/** The result of a check as the page shows it. */
import type { Link } from "../../src/core/proof/verify.ts";
import { element, part } from "./dom.ts";
import type { Fact } from "./facts.ts";
import type { Words } from "./words.ts";

const SHOWN_ITEMS = 12;

/** Text and class of what was found of a link. */
const MARKS = new Map<boolean | null, readonly [text: string, className: string]>([
  [true, ["ok", "mark good"]],
  [false, ["failed", "mark bad"]],
  [null, ["not checked", "mark"]],
]);

/** Empties the result and says that a check runs. */
export function showStart(): void {
  part("progress").textContent = "Checking …";
  part("level").textContent = "Checking …";
  part("level").className = "";
  part("meaning").textContent = "";
  part("links").replaceChildren();
  part("said").hidden = true;
  part("lists").replaceChildren();
  part("result").hidden = false;
}

/** Takes the result away. */
export function hideResult(): void {
  part("progress").textContent = "";
  part("result").hidden = true;
}

/** Shows one more link. */
export function addLink(link: Link): void {
  part("links").append(linkItem(link));
}

/** Shows the end of a check, and moves the focus there. */
export function showEnd(words: Words, of: { links: readonly Link[]; facts: readonly Fact[] }): void {
  const level = part("level");
  level.textContent = words.headline;
  level.className = words.tone;
  part("meaning").textContent = words.meaning;
  part("progress").textContent = "";
  part("links").replaceChildren(...of.links.map(linkItem));
  part("said").hidden = of.facts.length === 0;
  part("facts").replaceChildren(...of.facts.flatMap(({ term, value }) => [element("dt", term), element("dd", value)]));
  part("lists").replaceChildren(
    ...words.lists.flatMap(({ heading, items }) => [element("h3", heading), itemList(items)]),
  );
  level.focus();
}

function linkItem({ link, ok, sentence }: Link): HTMLElement {
  const [text, className] = MARKS.get(ok) ?? ["", ""];
  const item = element("li");
  item.dataset.link = link;
  // The blanks are for whoever has the text read out, and sees no columns.
  item.append(element("span", text, className), " ", element("span", link, "name"), " ", element("span", sentence));
  return item;
}

/** A list; a long one is folded, for the coverage of collateral names every creditor. */
function itemList(items: readonly string[]): HTMLElement {
  const list = element("ul");
  list.append(...items.map((item) => element("li", item)));
  if (items.length <= SHOWN_ITEMS) return list;
  const folded = element("details");
  folded.append(element("summary", `${items.length} of them`), list);
  return folded;
}
