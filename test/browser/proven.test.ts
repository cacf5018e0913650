import { beforeAll, describe, expect, it } from "vitest";
import { caip10, protocolId } from "../../src/core/ids.ts";
import { type Bundle, parseBundle } from "../../src/core/proof/bundle.ts";
import { canonicalBytes, type Json } from "../../src/core/proof/canonical.ts";
import { LINKS, type LinkName } from "../../verifier/index.ts";
import { startPerpSession } from "../chain/perp-v2-session.ts";
import { type ProvenBundle, proveAtHead } from "../support/proven-bundle.ts";
import { SIGNER } from "../unit/proof/sample.ts";
import { hasChromium, readResult, submit, usePage } from "./open-page.ts";

const KEY = SIGNER.verifierKey;

// biome-ignore lint/suspicious/noExplicitAny: a test changes what is read-only elsewhere.
type Loose = any;

/** An account that the market has driven below its maintenance requirement, proven at that block. */
async function proveDistress(): Promise<ProvenBundle> {
  const { anvil, kit, chain, everyone, distress } = await startPerpSession(4);
  const subject = caip10(chain.chainId, everyone.at(-1) as string);
  const assessed = {
    protocol: protocolId(chain.chainId, "perp-v2"),
    subject,
    account: subject,
    ruleId: "PERP-V2-MAINTENANCE",
    testPoint: "end" as const,
  };
  let found: ProvenBundle | undefined;
  try {
    await distress(async () => {
      if (found !== undefined) return;
      const proven = await proveAtHead(kit, { chain, assessed });
      if (proven.assessment.condition === "not_met") found = proven;
    });
  } finally {
    await anvil.stop();
  }
  if (found === undefined) throw new Error("The account never fell below its requirement.");
  return found;
}

describe.skipIf(!hasChromium)("the page, from a file and without a network, checks a proven bundle", () => {
  const { inPage } = usePage();
  let proven: ProvenBundle;
  beforeAll(async () => {
    proven = await proveDistress();
  });
  const changed = (change: (bundle: Bundle) => void): Uint8Array => {
    const { bundle } = parseBundle(proven.bundle);
    change(bundle);
    return canonicalBytes(bundle as unknown as Json);
  };

  it("with a block hash and nothing else: an account below what Perp v2 itself requires", () =>
    inPage(async (page) => {
      await submit(page, { bundle: proven.bundle, block: proven.blockHash });
      const { level, links, text } = await readResult(page);
      expect(level).toBe("Proven");
      expect(Object.keys(links)).toEqual([...LINKS]);
      const open = Object.keys(links).filter((link) => links[link]?.mark !== "ok");
      expect(open).toEqual(["signature", "witnesses", "anchor", "receipts"]);
      expect(text).toContain("not_met (>= 1)");
      expect(text).toContain("Proven inputsequitymaintenance");
      expect(text).not.toContain("taken from the operator");
      expect(await page.getByRole("region", { name: "Proven" }).isVisible()).toBe(true);
    }));

  it("with chain and number beside the hash, and with the log's key", () =>
    inPage(async (page) => {
      const { chain, blockNumber } = proven.assessment;
      await submit(page, { bundle: proven.bundle, block: `${chain}:${blockNumber}=${proven.blockHash}`, key: KEY });
      const { level, links } = await readResult(page);
      expect([level, links.signature?.mark]).toEqual(["Proven", "ok"]);
    }));

  it("and says what is missing without a hash, or with that of another block", () =>
    inPage(async (page) => {
      await submit(page, { bundle: proven.bundle });
      const { level, meaning, links } = await readResult(page);
      expect([level, links.block?.mark]).toEqual(["Not checked", "not checked"]);
      expect(meaning).toMatch(/hash/);
      await submit(page, { bundle: proven.bundle, block: `eip155:901:1=${proven.blockHash}` });
      expect((await readResult(page)).links.block?.mark).toBe("not checked");
    }));

  const tampered: Record<string, { link: LinkName; change: (bundle: Loose) => void }> = {
    "a slot with another value": {
      link: "state",
      change: ({ evidence }) => {
        evidence.witness.accounts.find((account: Loose) => account.slots.length > 0).slots[0].value =
          `0x${"01".repeat(32)}`;
      },
    },
    "a header of another block": {
      link: "header",
      change: ({ evidence }) => {
        evidence.witness.header = `${evidence.witness.header.slice(0, -2)}00`;
      },
    },
    "another measured value": {
      link: "metric",
      change: ({ assessment }) => {
        assessment.body.measured = "1500000000000000000";
      },
    },
    "another contract in the deployment": {
      link: "deployment",
      change: ({ deployment }) => {
        deployment.chains[0].protocols[0].contracts.ClearingHouse = `0x${"12".repeat(20)}`;
      },
    },
  };

  it.each(Object.keys(tampered))("and shows the link that fails for one with %s", (name) =>
    inPage(async (page) => {
      const { link, change } = tampered[name] as (typeof tampered)[string];
      await submit(page, { bundle: changed(change), block: proven.blockHash });
      const { level, meaning, links } = await readResult(page);
      expect([level, links[link]?.mark]).toEqual(["Refuted", "failed"]);
      expect(meaning).toContain(link);
    }),
  );

  it("and refutes it with the hash of another block", () =>
    inPage(async (page) => {
      await submit(page, { bundle: proven.bundle, block: `0x${"00".repeat(32)}` });
      const { level, links } = await readResult(page);
      expect([level, links.block?.mark]).toEqual(["Refuted", "failed"]);
    }));
});
