import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, type ConsoleMessage, chromium, type Locator, type Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { pageHtml } from "../../bin/commands/verify-page.ts";
import { findChromium } from "./chromium.ts";

const executablePath = findChromium();

/** A browser on a busy machine takes long for everything. */
const WITHIN_MS = 180_000;

/** Whether there is a browser to test in; that there is none has been printed. */
export const hasChromium = executablePath !== null;

/** A page from a file, without a network, and what it did that it must not do. */
export type OpenPage = { page: Page; faults: string[]; close(): Promise<void> };

/** A browser and the page in a file, for the tests of one `describe`. */
export function usePage() {
  const folder = mkdtempSync(join(tmpdir(), "plumbline-page-"));
  const file = join(folder, "plumbline-verify.html");
  const url = pathToFileURL(file).href;
  let browser: Browser | undefined;
  beforeAll(async () => {
    writeFileSync(file, await pageHtml());
    browser = await chromium.launch({ executablePath: executablePath as string, timeout: WITHIN_MS });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });
  const open = (before?: () => void): Promise<OpenPage> => openPage(browser as Browser, { url, before });
  /** Runs a test in a page of its own, which must have asked for nothing and broken no rule of its policy. */
  const inPage = async (test: (page: Page) => Promise<void>, before?: () => void): Promise<void> => {
    const { page, faults, close } = await open(before);
    try {
      await test(page);
      expect(faults).toEqual([]);
    } finally {
      await close();
    }
  };
  return { open, inPage };
}

/**
 * Opens the page with the network off. Whatever it asks of a network, every error and every breach of its policy becomes
 * a fault.
 * @param before runs in the page before its own script.
 */
async function openPage(
  browser: Browser,
  { url, before }: { url: string; before: (() => void) | undefined },
): Promise<OpenPage> {
  const context = await browser.newContext({ locale: "en-GB" });
  context.setDefaultTimeout(WITHIN_MS);
  await context.setOffline(true);
  const faults: string[] = [];
  await context.route(/^(https?|wss?|ftp):/, (route) => {
    faults.push(`asked for ${route.request().url()}`);
    return route.abort();
  });
  const page = await context.newPage();
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("blob:")) faults.push(`asked for ${request.url()}`);
  });
  page.on("console", (message: ConsoleMessage) => faults.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`threw ${error}`));
  if (before !== undefined) await page.addInitScript(before);
  await page.goto(url);
  return { page, faults, close: () => context.close() };
}

/** What is put into the form. */
export type Given = { bundle: Uint8Array; block?: string; key?: string };

/** What the page shows in the end. */
export type Shown = {
  level: string;
  meaning: string;
  links: Record<string, { mark: string; sentence: string }>;
  text: string;
};

/** Fills in the form with a file and presses the button. */
export async function submit(page: Page, { bundle, block = "", key = "" }: Given): Promise<void> {
  await page.getByLabel("File").setInputFiles({
    name: "bundle.json",
    mimeType: "application/json",
    buffer: Buffer.from(bundle),
  });
  await page.getByLabel("Block hash").fill(block);
  await page.getByLabel("Log key").fill(key);
  await page.getByRole("button", { name: "Verify" }).click();
}

/** Waits for the end of a check and reads the result. */
export async function readResult(page: Page): Promise<Shown> {
  const level = page.locator("#level.good, #level.bad, #level.open");
  await level.waitFor();
  const items = await page
    .locator("#links li")
    .evaluateAll((all) => all.map((item) => [...item.querySelectorAll("span")].map((span) => span.textContent ?? "")));
  return {
    level: await textOf(level),
    meaning: await textOf(page.locator("#meaning")),
    links: Object.fromEntries(items.map(([mark = "", link = "", sentence = ""]) => [link, { mark, sentence }])),
    text: await textOf(page.locator("#result")),
  };
}

/** The text of one element. */
export async function textOf(locator: Locator): Promise<string> {
  return (await locator.textContent()) ?? "";
}
