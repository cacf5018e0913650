import { describe, expect, it } from "vitest";
import { LINKS } from "../../verifier/index.ts";
import { SIGNER, sampleAssessment, sampleBundle } from "../unit/proof/sample.ts";
import { hasChromium, readResult, submit, textOf, usePage } from "./open-page.ts";

const HASH = `0x${"b1".repeat(32)}`;
const KEY = SIGNER.verifierKey;

describe.skipIf(!hasChromium)("the page, from a file and without a network", () => {
  const { open, inPage } = usePage();

  describe("checks an attested bundle", () => {
    it("with a log key, in a worker, every link on its own line and in order", () =>
      inPage(async (page) => {
        let workers = 0;
        page.on("worker", () => workers++);
        await submit(page, { bundle: sampleBundle(), key: KEY });
        const { level, links, text } = await readResult(page);
        expect(level).toBe("Attested");
        expect(Object.keys(links)).toEqual([...LINKS]);
        expect(links.signature?.mark).toBe("ok");
        expect(text).toContain("0.499840051183621241 ratio");
        expect(text).toContain("What you still trust");
        expect(workers).toBe(1);
        expect(page.workers()).toEqual([]);
      }));

    it("and says what is missing without the key", () =>
      inPage(async (page) => {
        await submit(page, { bundle: sampleBundle() });
        const { level, meaning, links } = await readResult(page);
        expect(level).toBe("Not checked");
        expect(links.signature?.mark).toBe("not checked");
        expect(meaning).toContain("no log key");
      }));

    it("in the page itself where a browser has no worker for it", () =>
      inPage(
        async (page) => {
          await submit(page, { bundle: sampleBundle(), key: KEY });
          expect((await readResult(page)).level).toBe("Attested");
        },
        () => {
          Object.defineProperty(globalThis, "Worker", {
            value: class {
              constructor() {
                throw new DOMException("No workers here.", "SecurityError");
              }
            },
          });
        },
      ));
  });

  describe("takes a bundle", () => {
    it("that is dropped on it", () =>
      inPage(async (page) => {
        const transfer = await page.evaluateHandle((text) => {
          const made = new DataTransfer();
          made.items.add(new File([text], "dropped.json"));
          return made;
        }, new TextDecoder().decode(sampleBundle()));
        await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
        expect(await textOf(page.locator("#source"))).toContain("dropped.json");
        await page.getByLabel("Log key").fill(KEY);
        await page.getByRole("button", { name: "Verify" }).click();
        expect((await readResult(page)).level).toBe("Attested");
      }));

    it("that is pasted, with the keyboard alone, and moves the focus to the result", () =>
      inPage(async (page) => {
        const press = (key: string) => page.keyboard.press(key);
        const focused = () => page.evaluate(() => document.activeElement?.id);
        await press("Tab");
        expect(await focused()).toBe("file");
        await press("Tab");
        expect(await focused()).toBe("text");
        await page.keyboard.insertText(`${new TextDecoder().decode(sampleBundle())}\n`);
        await press("Tab");
        await page.keyboard.type(HASH);
        await press("Tab");
        await page.keyboard.insertText(KEY);
        await press("Tab");
        expect(await focused()).toBe("verify");
        await press("Enter");
        expect((await readResult(page)).level).toBe("Attested");
        expect(await focused()).toBe("level");
      }));
  });

  describe("refuses in one sentence, beside the field and with the focus there,", () => {
    const wrong: Record<string, { given: Parameters<typeof submit>[1]; field: string; says: RegExp }> = {
      "a file of 5 MB": { given: { bundle: new Uint8Array(5_000_000) }, field: "File", says: /5\.0 MB.*never longer/ },
      "an empty file": { given: { bundle: new Uint8Array() }, field: "File", says: /There is no bundle/ },
      "what is no hash": {
        given: { bundle: sampleBundle(), block: "4711" },
        field: "Block hash",
        says: /"4711" is not/,
      },
      "what is no key": { given: { bundle: sampleBundle(), key: "abc" }, field: "Log key", says: /key/ },
    };

    it.each(Object.keys(wrong))("%s", (name) =>
      inPage(async (page) => {
        const { given, field, says } = wrong[name] as (typeof wrong)[string];
        await submit(page, given);
        const control = page.getByLabel(field);
        await page.locator(".wrong:not(:empty)").waitFor();
        expect(await textOf(page.locator(".wrong:not(:empty)"))).toMatch(says);
        expect(await control.getAttribute("aria-invalid")).toBe("true");
        expect(await control.evaluate((element) => element === document.activeElement)).toBe(true);
        expect(await page.locator("#result").isVisible()).toBe(false);
      }),
    );
  });

  describe("shows which link fails for", () => {
    const text = new TextDecoder().decode(sampleBundle());
    const bytes = (changed: string) => new TextEncoder().encode(changed);
    const failing: Record<string, { given: Parameters<typeof submit>[1]; link: string }> = {
      "junk just short enough to be read": { given: { bundle: new Uint8Array(4_194_304).fill(0x5b) }, link: "shape" },
      "what is no bundle": { given: { bundle: bytes("hello") }, link: "shape" },
      "another block hash": {
        given: { bundle: sampleBundle(), block: `0x${"00".repeat(32)}`, key: KEY },
        link: "block",
      },
      "a figure that was changed": {
        given: { bundle: bytes(text.replace("4998400", "5998400")), key: KEY },
        link: "metric",
      },
    };

    it.each(Object.keys(failing))("%s", (name) =>
      inPage(async (page) => {
        const { given, link } = failing[name] as (typeof failing)[string];
        await submit(page, given);
        const { level, meaning, links } = await readResult(page);
        expect(level).toBe("Refuted");
        expect(links[link]?.mark).toBe("failed");
        expect(meaning).toContain(link);
      }),
    );
  });

  it("shows a hostile name as the text it is", () =>
    inPage(async (page) => {
      const subject = 'eip155:901:<img src="https://example.org/x" onerror="document.title=1">';
      await submit(page, { bundle: sampleBundle({ assessment: sampleAssessment({ subject }) }), key: KEY });
      expect((await readResult(page)).text).toContain(subject);
      expect(await page.locator("img").count()).toBe(0);
    }));

  it("can be stopped, stops by itself, and can be used again", () =>
    inPage(
      async (page) => {
        await page.clock.install();
        await submit(page, { bundle: sampleBundle(), key: KEY });
        await page.getByRole("button", { name: "Stop" }).click();
        expect((await readResult(page)).level).toBe("Broken off");
        expect(await page.getByRole("button", { name: "Stop" }).isVisible()).toBe(false);
        await page.getByRole("button", { name: "Verify" }).click();
        await page.getByRole("button", { name: "Stop" }).waitFor();
        expect(await textOf(page.locator("#level"))).toBe("Checking …");
        await page.clock.fastForward(60_000);
        const { level, meaning } = await readResult(page);
        expect(level).toBe("Broken off");
        expect(meaning).toContain("60 seconds");
      },
      () => {
        Object.defineProperty(globalThis, "Worker", {
          value: class {
            postMessage(): void {}
            terminate(): void {}
          },
        });
      },
    ));

  it("is held to its policy by the browser: no connection, no code and no markup from text", async () => {
    const { page, faults, close } = await open();
    const tried = await page.evaluate(async () => {
      const outcome = async (attempt: () => unknown): Promise<string> => {
        try {
          await attempt();
          return "done";
        } catch (error) {
          return (error as Error).name;
        }
      };
      return {
        fetch: await outcome(() => fetch("https://example.org/")),
        markup: await outcome(() => {
          document.body.innerHTML = "<b>x</b>";
        }),
        code: await outcome(() => setTimeout("document.title = 'changed'", 0)),
      };
    });
    expect(tried).toEqual({ fetch: "TypeError", markup: "TypeError", code: "TypeError" });
    expect(faults.filter((fault) => fault.includes("connect-src")).length).toBeGreaterThan(0);
    expect(faults.filter((fault) => fault.startsWith("asked"))).toEqual([]);
    await close();
  });
});
