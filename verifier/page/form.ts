/** The form: reads what was put in, has it checked, and shows what comes back. */
import type { Link } from "../../src/core/proof/verify.ts";
import { type Answer, type Asked, FIELDS, type Field } from "./check.ts";
import { complain, part, pointAt } from "./dom.ts";
import { addLink, hideResult, showEnd, showStart } from "./result.ts";
import { startSource } from "./source.ts";
import { wordsOf } from "./words.ts";
import type { Runner } from "./worker.ts";

/** Makes the page's form work. @param run starts a check. */
export function startForm(run: Runner): void {
  const form = part("form");
  const stop = part("stop", HTMLButtonElement);
  const readBundle = startSource();
  let links: Link[] = [];
  let turn = 0;
  let end = (): void => {};

  const finish = (): void => {
    end();
    end = () => {};
    stop.hidden = true;
    form.removeAttribute("aria-busy");
  };
  const refuse = (field: Field, sentence: string): void => {
    hideResult();
    complain(field, sentence);
    pointAt(field);
  };
  const breakOff = (meaning: string): void => {
    finish();
    showEnd({ headline: "Broken off", tone: "bad", meaning, lists: [] }, { links, facts: [] });
  };
  const hear = (answer: Answer): void => {
    if (answer.kind === "link") {
      links.push(answer.link);
      addLink(answer.link);
      return;
    }
    finish();
    if (answer.kind === "wrong") refuse(answer.field, answer.sentence);
    else showEnd(wordsOf(answer.verification, answer.facts), { links: answer.verification.links, facts: answer.facts });
  };
  const submit = async (): Promise<void> => {
    finish();
    hideResult();
    const mine = ++turn;
    for (const field of FIELDS) complain(field, "");
    const asked = { block: part("block", HTMLInputElement).value, key: part("key", HTMLInputElement).value };
    let bytes: Asked["bytes"];
    try {
      bytes = await readBundle();
    } catch (error) {
      refuse("bundle", (error as Error).message);
      return;
    }
    // Pressed again while the file was being read: only the last time counts.
    if (mine !== turn) return;
    links = [];
    showStart();
    form.setAttribute("aria-busy", "true");
    stop.hidden = false;
    end = run({ bytes, ...asked }, { onAnswer: hear, onStop: breakOff });
  };

  stop.addEventListener("click", () => breakOff("You stopped the check. It says nothing about the bundle."));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
}
