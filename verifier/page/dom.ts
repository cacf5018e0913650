/**
 * The page's document. Everything that comes from a bundle is hostile, names of tokens above all: it reaches the document
 * as text only, which the page's policy also enforces where the browser knows trusted types.
 */
import type { Field } from "./check.ts";

/** The control that a complaint about a field belongs to. */
const CONTROLS = { bundle: "file", block: "block", key: "key" } as const;

/** A part of the page by its id, of the given class of element. */
export function part(id: string): HTMLElement;
export function part<T extends HTMLElement>(id: string, type: new () => T): T;
export function part(id: string, type: new () => HTMLElement = HTMLElement): HTMLElement {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new TypeError(`The page has no ${id}.`);
  return found;
}

/** A new element with a text in it. */
export function element(name: string, text = "", className = ""): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  if (className !== "") made.className = className;
  return made;
}

/** Says what is wrong with a field, or with an empty sentence that nothing is. */
export function complain(field: Field, sentence: string): void {
  part(`${field}-wrong`).textContent = sentence;
  const control = part(CONTROLS[field]);
  if (sentence === "") control.removeAttribute("aria-invalid");
  else control.setAttribute("aria-invalid", "true");
}

/** Moves the focus to a field that is wrong. */
export function pointAt(field: Field): void {
  part(CONTROLS[field]).focus();
}
