/** The script of the page, and of the workers it starts. */
import "./without-eval.ts";
import { startForm } from "./form.ts";
import { createRunner, serveChecks } from "./worker.ts";

if (typeof document === "undefined") serveChecks(globalThis as unknown as Parameters<typeof serveChecks>[0]);
else startForm(createRunner(document.currentScript?.textContent ?? ""));
