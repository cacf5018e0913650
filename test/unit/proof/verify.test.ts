import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { canonicalBytes, type Json } from "../../../src/core/proof/canonical.ts";
import { signerOf } from "../../../src/core/proof/note.ts";
import { LINKS } from "../../../src/core/proof/verification.ts";
import { type LinkName, type Trust, type Verification, verifyBundle } from "../../../src/core/proof/verify.ts";
import { DISCLOSED, SIGNER, sampleAssessment, sampleBundle, TRUST } from "./sample.ts";

const BREACH = { outcome: "breach", profile: "EU_RETAIL", missing: [] } as const;
const PLAIN = sampleBundle();
const OPENED = sampleBundle({ verdict: BREACH });
const BLINDED = sampleBundle({ verdict: BREACH, blinded: true });
/** Links that a bundle without evidence does not need, in their order. */
const IDLE: readonly LinkName[] = ["deployment", "witnesses", "anchor", "block", "header", "receipts", "state", "call"];
const BLOCK = { chain: "eip155:901", number: "4711", hash: `0x${"b1".repeat(32)}` } as const;

const OTHER = { ...BLOCK, hash: `0x${"b2".repeat(32)}` } as const;

const check = async (bytes: Uint8Array, trust: Partial<Trust> = {}): Promise<Verification> =>
  await verifyBundle(bytes, { ...TRUST, ...trust });
const statusOf = async (bytes: Uint8Array, trust: Partial<Trust> = {}) => (await check(bytes, trust)).status;
const failedOf = async (bytes: Uint8Array, trust: Partial<Trust> = {}) => failed(await check(bytes, trust));
const failed = ({ links }: Verification): LinkName[] => links.filter((l) => l.ok === false).map((l) => l.link);
const open = ({ links }: Verification): LinkName[] => links.filter((l) => l.ok === null).map((l) => l.link);
const parse = (bytes: Uint8Array): Json => JSON.parse(new TextDecoder().decode(bytes)) as Json;

describe("a bundle that is what it claims", () => {
  it.each([
    ["an assessment", PLAIN],
    ["a verdict that stays blinded", BLINDED],
    ["a verdict that is opened", OPENED],
    ["the only leaf of a log", sampleBundle({ before: 0, after: 0 })],
  ])("is verified: %s", async (_, bytes) => {
    const result = await check(bytes);
    expect(result.status).toBe("verified");
    expect(failed(result)).toEqual([]);
    expect(open(result)).toEqual(IDLE);
    for (const { sentence } of result.links) expect(sentence).toMatch(/^[A-Z].*\.$/);
  });

  it("names every link once, cheapest first", async () => {
    expect((await check(PLAIN)).links.map((l) => l.link)).toEqual(LINKS);
    expect((await check(new Uint8Array())).links.map((l) => l.link)).toEqual(LINKS);
  });

  it("tells nothing of a verdict that stays blinded", async () => {
    expect(new TextDecoder().decode(BLINDED)).not.toContain('"breach"');
    expect(BLINDED.length).toBe(
      sampleBundle({ verdict: { ...BREACH, outcome: "indeterminate" }, blinded: true }).length,
    );
  });

  it("is verified for an unknown figure, with the condition that follows from its reason", async () => {
    const inputs = { equity: "0", "notional.crypto": "0", "rate.crypto": "500000000000000000" };
    const unknown = { inputs, measured: null, reason: "UNDEFINED_AT_ZERO" } as const;
    const again = TRUST.reassess(DISCLOSED, sampleAssessment(unknown));
    const honest = sampleBundle({ assessment: sampleAssessment({ ...unknown, condition: again.condition }) });
    expect(await statusOf(honest)).toBe("verified");
    const { reason } = { reason: "NO_PRICE" } as const;
    const wrong = sampleAssessment({ ...unknown, reason, condition: again.condition });
    expect(await failedOf(sampleBundle({ assessment: wrong }))).toEqual(["metric"]);
  });
});

describe("without the means to check", () => {
  it("is unchecked when no log key is given, and still refuted when wrong", async () => {
    const result = await check(PLAIN, { logKeys: [] });
    expect(result.status).toBe("unchecked");
    expect(open(result)).toEqual(["deployment", "signature", ...IDLE.slice(1)]);
    const wrong = sampleBundle({ assessment: sampleAssessment({ measured: "1" }) });
    expect(await statusOf(wrong, { logKeys: [] })).toBe("refuted");
  });

  it("is unchecked when the kernel is another one", async () => {
    const result = await check(sampleBundle({ assessment: sampleAssessment({ kernel: "plumbline-kernel/9" }) }));
    expect(result.status).toBe("unchecked");
    expect(open(result)).toEqual([...IDLE, "metric", "rule"]);
  });

  it("checks the block's hash only when asked", async () => {
    expect(await statusOf(PLAIN, { blocks: [BLOCK] })).toBe("verified");
    expect(await failedOf(PLAIN, { blocks: [OTHER] })).toEqual(["block"]);
    for (const blocks of [
      [BLOCK, OTHER],
      [OTHER, BLOCK],
      [BLOCK, BLOCK, OTHER],
    ]) {
      const result = await check(PLAIN, { blocks: blocks.map((block, i) => ({ ...block, from: `node ${i}` })) });
      expect(result.status).toBe("unchecked");
      const sentence = result.links.find(({ link }) => link === "block")?.sentence;
      expect(sentence).toMatch(/node \d says 0x.*, node \d says 0x/);
      for (const { hash } of [BLOCK, OTHER]) expect(sentence).toContain(hash);
    }
    expect(await statusOf(PLAIN, { blocks: [BLOCK, BLOCK] })).toBe("verified");
    for (const blocks of [[], [{ ...BLOCK, number: "4712" }], [{ ...BLOCK, chain: "eip155:902" }]]) {
      expect(await statusOf(PLAIN, { blocks })).toBe("unchecked");
    }
  });

  it("refuses a malformed log key, which is the caller's", async () => {
    await expect(check(PLAIN, { logKeys: ["x"] })).rejects.toThrow(InputError);
  });
});

describe("a bundle that a dishonest log has signed", () => {
  const assessed = (changes: Parameters<typeof sampleAssessment>[0]) =>
    failedOf(sampleBundle({ assessment: sampleAssessment(changes) }));

  it.each([
    ["another value", { measured: "499840051183621242" }, ["metric"]],
    ["another unit", { unit: "USD" }, ["metric"]],
    ["other decimals", { decimals: "17" }, ["metric"]],
    ["the other condition", { condition: "met" }, ["rule"]],
    ["another threshold", { threshold: "0.5" }, ["rule"]],
    ["another operator", { operator: ">" }, ["rule"]],
    ["another id", { id: "00".repeat(32) }, ["leaf"]],
    [
      "a rate that is not the rule's",
      { inputs: { ...sampleAssessment().inputs, "rate.crypto": "1" } },
      ["metric", "rule"],
    ],
    ["an input too many", { inputs: { ...sampleAssessment().inputs, other: "1" } }, ["metric", "rule"]],
    ["an input too few", { inputs: { equity: "1" } }, ["metric", "rule"]],
    ["a rule that is not in the book", { ruleId: "EU-X" }, ["rulebook", "metric", "rule"]],
    ["a rulebook that is not in the bundle", { rulebookHash: `0x${"00".repeat(32)}` }, ["rulebook", "metric", "rule"]],
    ["a test point the rule does not have", { testPoint: "log:3" }, ["metric", "rule"]],
  ] as const)("fails by its own link: %s", async (_, changes, links) => {
    expect(await assessed(changes)).toEqual(links);
  });

  it("fails by the signature when it is another log's", async () => {
    const other = signerOf(SIGNER.name, new Uint8Array(32).fill(9));
    expect(await failedOf(sampleBundle({ signer: other }))).toEqual(["signature"]);
    const renamed = (parse(PLAIN) as { checkpoint: string }).checkpoint.replace(SIGNER.name, "plumbline.example/other");
    const bundle = { ...(parse(PLAIN) as Record<string, Json>), checkpoint: renamed };
    expect(await failedOf(canonicalBytes(bundle))).toEqual(["shape"]);
    expect(await statusOf(sampleBundle({ signer: other }), { logKeys: [SIGNER.verifierKey, other.verifierKey] })).toBe(
      "verified",
    );
  });

  it("fails by the rulebook when it is another one", async () => {
    const { format, files } = DISCLOSED as { format: string; files: Record<string, Json> };
    const rulebook = { format, files: { eu: files.eu as Json } };
    expect(await failedOf(sampleBundle({ rulebook }))).toEqual(["rulebook", "metric", "rule"]);
  });

  it("fails by the blinding when the opening is another one, or cannot follow", async () => {
    const lie = sampleBundle({ verdict: BREACH, opening: (o) => ({ ...o, outcome: "not_applicable" }) });
    expect(await failedOf(lie)).toEqual(["blinding"]);
    const salt = sampleBundle({ verdict: BREACH, opening: (o) => ({ ...o, salt: "00".repeat(32) }) });
    expect(await failedOf(salt)).toEqual(["blinding"]);
    expect(await failedOf(sampleBundle({ verdict: { ...BREACH, outcome: "compliant" } }))).toEqual(["blinding"]);
    for (const outcome of ["not_applicable", "indeterminate"] as const) {
      expect(await statusOf(sampleBundle({ verdict: { ...BREACH, outcome } }))).toBe("verified");
    }
  });

  it("fails by the leaf when the verdict is on another assessment", async () => {
    const bundle = parse(OPENED) as { verdict: { body: Record<string, Json> } };
    bundle.verdict.body.subject = "eip155:901:0x00";
    expect(await failedOf(canonicalBytes(bundle))).toEqual(["leaf", "inclusion"]);
  });
});

describe("a bundle that was changed on the way", () => {
  it("is refuted with any one byte outside the rulebook replaced by its like", async () => {
    const buffer = Buffer.from(OPENED);
    const [from, to] = [buffer.indexOf('"rulebook":{'), buffer.indexOf(',"verdict":')];
    const places = [...OPENED.keys()].filter((at) => at < from || at > to);
    expect(places.length).toBeGreaterThan(2500);
    for (const at of places) {
      const changed = OPENED.with(at, alike(OPENED[at] as number));
      // A rule that agrees with everything: hashes and signature must find the change on their own.
      const result = await check(changed, { reassess: (_, assessment) => assessment });
      if (result.status !== "refuted")
        throw new Error(`Byte ${at} (${buffer.toString("utf8", at - 20, at + 20)}) changed nothing.`);
    }
  }, 120_000);

  it("is refuted with any byte anywhere replaced by any other", async () => {
    const change = fc.tuple(fc.constantFrom(PLAIN, OPENED, BLINDED), fc.nat(), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(change, async ([bytes, place, xor]) => {
        const at = place % bytes.length;
        expect(await statusOf(bytes.with(at, (bytes[at] as number) ^ xor))).toBe("refuted");
      }),
      { seed: 1, numRuns: 1000 },
    );
  }, 180_000);

  it("is refuted with any value changed, dropped or added, in canonical form again", async () => {
    let count = 0;
    for (const bytes of [PLAIN, OPENED]) {
      for (const changed of variantsOf(withoutRules(parse(bytes)))) {
        expect(await statusOf(canonicalBytes(withRules(changed, bytes)))).toBe("refuted");
        count++;
      }
    }
    expect(count).toBeGreaterThan(250);
  }, 180_000);

  it("never throws, whatever the bytes", async () => {
    const cut = fc.tuple(fc.nat({ max: PLAIN.length }), fc.nat({ max: 400 }), fc.uint8Array({ maxLength: 40 }));
    await fc.assert(
      fc.asyncProperty(cut, async ([from, length, middle]) => {
        const bytes = Uint8Array.from([...PLAIN.slice(0, from), ...middle, ...PLAIN.slice(from + length)]);
        if (Buffer.compare(bytes, PLAIN) !== 0) expect(await statusOf(bytes)).toBe("refuted");
      }),
      { seed: 1, numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await statusOf(bytes)).toBe("refuted");
      }),
      { seed: 1, numRuns: 200 },
    );
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 6 }), async (text) => {
        expect(await statusOf(new TextEncoder().encode(text))).toBe("refuted");
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("counts a rule that cannot be applied as refuted, whatever it throws", async () => {
    for (const thrown of [new RangeError("deep"), "text", undefined]) {
      const reassess = (): never => {
        throw thrown;
      };
      expect(await failedOf(PLAIN, { reassess })).toEqual(["metric", "rule"]);
    }
  });
});

/** Another byte of the same kind, so that the change is not caught by form alone. */
function alike(byte: number): number {
  const c = String.fromCharCode(byte);
  if (/[0-8]/.test(c)) return byte + 1;
  if (/[a-eA-E]/.test(c)) return byte + 1;
  if (/[9fF]/.test(c)) return byte - 1;
  if (/[g-yG-Y]/.test(c)) return byte + 1;
  return byte ^ 1;
}

/** The rulebook is set aside: its values all fail by one hash, which the tests above and those of disclosure reach. */
function withoutRules(bundle: Json): Json {
  return { ...(bundle as Record<string, Json>), rulebook: {} };
}

function withRules(bundle: Json, original: Uint8Array): Json {
  if (typeof bundle !== "object" || bundle === null || Array.isArray(bundle)) return bundle;
  const whole = bundle as Record<string, Json>;
  const isUntouched = JSON.stringify(whole.rulebook) === "{}";
  return isUntouched ? { ...whole, rulebook: (parse(original) as { rulebook: Json }).rulebook } : whole;
}

/** Every JSON value that differs from this one in one place. */
function* variantsOf(value: Json): Generator<Json> {
  if (typeof value === "string") {
    if (value !== "") yield String.fromCharCode(alike(value.charCodeAt(0))) + value.slice(1);
    if (value !== "") yield value.slice(0, -1) + String.fromCharCode(alike(value.charCodeAt(value.length - 1)));
    yield `${value}0`;
    yield null;
  } else if (typeof value === "boolean" || value === null) {
    yield value === null ? "0" : !value;
  } else if (Array.isArray(value)) {
    const list = value as readonly Json[];
    yield [...list, "0"];
    if (list.length > 1) yield [...list].reverse();
    for (let i = 0; i < list.length; i++) {
      yield list.toSpliced(i, 1);
      for (const changed of variantsOf(list[i] as Json)) yield list.with(i, changed);
    }
  } else {
    const record = value as Readonly<Record<string, Json>>;
    yield { ...record, other: "0" };
    for (const [key, item] of Object.entries(record)) {
      const { [key]: _, ...rest } = record;
      yield rest;
      for (const changed of variantsOf(item)) yield { ...record, [key]: changed };
    }
  }
}
