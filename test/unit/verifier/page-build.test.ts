import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { pageHtml, verifyPageCommand } from "../../../bin/commands/verify-page.ts";
import { InputError } from "../../../src/core/errors.ts";
import type { verify } from "../../../verifier/index.ts";
import { SIGNER, sampleBundle } from "../proof/sample.ts";

const MOST_BYTES = 1_000_000;
const folder = mkdtempSync(join(tmpdir(), "plumbline-page-"));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) => verifyPageCommand().exitOverride().parseAsync(args, { from: "user" });

describe("plumbline verify-page", () => {
  it("writes a page of which every part is named by its policy, and the same every time", async () => {
    const [first, second] = await Promise.all([pageHtml(), pageHtml()]);
    expect(second === first).toBe(true);
    expect(first.length).toBeLessThan(MOST_BYTES);
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(first)?.[1] ?? "";
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(policy).not.toMatch(/unsafe|http|\*/);
    for (const name of ["script", "style"]) {
      const parts = first.split(`<${name}>`).slice(1);
      expect(parts.length).toBe(1);
      const text = (parts[0] ?? "").split(`</${name}>`)[0] ?? "";
      expect(policy).toContain(`${name}-src 'sha256-${createHash("sha256").update(text).digest("base64")}'`);
    }
    // Nothing beside these parts that a browser would fetch or run.
    const markup = first.replace(/<(script|style)>[\s\S]*?<\/\1>/g, "");
    expect(markup).not.toMatch(/\s(src|href|on\w+|style|srcset|action)=/i);
  });

  it("writes the verifier as one module without imports, which verifies", async () => {
    const [page, module] = [join(folder, "page.html"), join(folder, "verifier.mjs")];
    await run("--out", page, "--module", module);
    expect(readFileSync(page, "utf8") === (await pageHtml())).toBe(true);
    // Where the module lies there is no package that it could find.
    const library = (await import(/* @vite-ignore */ pathToFileURL(module).href)) as { verify: typeof verify };
    const heard: string[] = [];
    const result = await library.verify(sampleBundle(), {
      logKeys: [SIGNER.verifierKey],
      onLink: ({ link }) => heard.push(link),
    });
    expect([result.status, result.assurance]).toEqual(["verified", "attested"]);
    expect(heard).toEqual(result.links.map(({ link }) => link));
    expect((await library.verify(new Uint8Array(3), {})).status).toBe("refuted");
  });

  it("says in one sentence where it cannot write", async () => {
    await expect(run("--out", join(folder, "missing", "page.html"))).rejects.toThrow(InputError);
  });
});
