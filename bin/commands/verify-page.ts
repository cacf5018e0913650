import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import type { BuildOptions } from "esbuild";
import { KERNEL_VERSION } from "../../src/core/assessment.ts";
import { InputError, InvariantError } from "../../src/core/errors.ts";

const ROOT = new URL("../../", import.meta.url);
const PAGE = new URL("verifier/page/", ROOT);
const DEFAULT_OUT = "plumbline-verify.html";

/** The browsers of the last years: all that the verifier needs, BigInt and private fields, is older. */
const TARGET = "es2022";

/** Options of `plumbline verify-page` as commander gives them. */
export type VerifyPageFlags = { out: string; module?: string };

/** `plumbline verify-page`: writes the page that checks bundles in a browser, and the verifier as one module. */
export function verifyPageCommand(): Command {
  return new Command("verify-page")
    .description("write the page that checks proof bundles in a browser, without a network, as one file")
    .option("--out <file>", "where to write the page", DEFAULT_OUT)
    .option("--module <file>", "also write the verifier as one ES module for other programs")
    .action(async ({ out, module }: VerifyPageFlags) => {
      write(out, await pageHtml());
      if (module !== undefined) write(module, await verifierModule());
    });
}

/**
 * The page: one HTML file with the verifier in it, which runs from a file and asks no network for anything. Its policy
 * names the one script and the one style by hash. A worker may come from a blob, for only that script can make one, and
 * the policy holds in it too.
 * @throws InvariantError if the script could end its own element.
 */
export async function pageHtml(): Promise<string> {
  const script = await bundleOf("verifier/page/main.ts", { format: "iife" });
  // A carriage return would become a line feed when the page is read, and the hash be that of another script.
  const unsafe = /<\/script|<!--|\r/i.exec(script);
  if (unsafe !== null) throw new InvariantError(`The page's script has ${JSON.stringify(unsafe[0])} in it.`);
  const style = readPart("style.css");
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "worker-src blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types verifier",
  ].join("; ");
  const { version } = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8")) as { version: string };
  const parts: Record<string, string> = {
    policy: `<meta http-equiv="Content-Security-Policy" content="${policy}" />`,
    style: `<style>${style}</style>`,
    script: `<script>${script}</script>`,
    build: `Plumbline ${version}, ${KERNEL_VERSION}, script <code>${hashOf(script)}</code>`,
  };
  return readPart("page.html").replace(/<!--(\w+)-->/g, (_, name: string) => {
    const part = parts[name];
    if (part === undefined) throw new InvariantError(`The page asks for a part ${name} that there is not.`);
    return part;
  });
}

/** The verifier library as one ES module without imports: what `verifier/index.ts` exports. */
function verifierModule(): Promise<string> {
  return bundleOf("verifier/index.ts", { format: "esm" });
}

async function bundleOf(entry: string, options: BuildOptions): Promise<string> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    ...options,
    entryPoints: [fileURLToPath(new URL(entry, ROOT))],
    absWorkingDir: fileURLToPath(ROOT),
    bundle: true,
    minify: true,
    platform: "browser",
    target: TARGET,
    charset: "ascii",
    legalComments: "none",
    logLevel: "silent",
    write: false,
  });
  const [output] = outputFiles;
  if (output === undefined) throw new InvariantError(`Bundling ${entry} gave nothing.`);
  return output.text;
}

function readPart(name: string): string {
  return readFileSync(new URL(name, PAGE), "utf8");
}

/** The hash of a text as a content security policy names it. */
function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/** Writes a file, and says its size and hash: whoever gets it from elsewhere can compare. */
function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new InputError(`${file} cannot be written: ${(error as NodeJS.ErrnoException).code ?? error}.`);
  }
  const hash = createHash("sha256").update(text).digest("hex");
  process.stdout.write(`${file}: ${Buffer.byteLength(text)} bytes, SHA-256 ${hash}\n`);
}
