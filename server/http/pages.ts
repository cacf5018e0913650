import { readFileSync } from "node:fs";
import type { App } from "./app.ts";

/** Path, file and type of the pages; they load nothing from other hosts. */
const PAGES = [
  ["/", "index.html", "text/html; charset=utf-8"],
  ["/graphql", "graphql.html", "text/html; charset=utf-8"],
  ["/assets/index.js", "index.js", "text/javascript; charset=utf-8"],
  ["/assets/graphql.js", "graphql.js", "text/javascript; charset=utf-8"],
  ["/assets/style.css", "style.css", "text/css; charset=utf-8"],
] as const;

/** Adds the landing page and the page to ask GraphQL questions from. */
export function addPages(app: App): void {
  for (const [path, file, type] of PAGES) {
    const text = readFileSync(new URL(`./assets/${file}`, import.meta.url), "utf8");
    app.get(path, (context) => context.body(text, 200, { "Content-Type": type, "Cache-Control": "no-cache" }));
  }
}
