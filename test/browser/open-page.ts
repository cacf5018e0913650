import type { Browser, ConsoleMessage, Locator, Page } from "playwright-core";

/** A page from a file, without a network, and what it did that it must not do. */
export type OpenPage = { page: Page; faults: string[]; close(): Promise<void> };

/**
 * Opens the page. Whatever it asks of a network, every error and every breach of its policy becomes a fault.
 * @param before runs in the page before its own script.
 */
export async function openPage(
  browser: Browser,
  { url, before }: { url: string; before?: () => void },
): Promise<OpenPage> {
  const context = await browser.newContext({ offline: true, locale: "en-GB" });
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
  await level.waitFor({ timeout: 30_000 });
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
