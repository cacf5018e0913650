import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { explainDifference } from "../../../server/others/epoch-difference.ts";
import { tellRefusal } from "../../../server/others/epoch-refusal.ts";
import { remoteLog } from "../../../server/others/remote-log.ts";
import { remoteRecord } from "../../../server/others/remote-record.ts";
import { parseEpochBody } from "../../../src/core/log/compare-epochs.ts";
import { fromHex } from "../../../src/core/proof/bytes.ts";
import { parseCanonical } from "../../../src/core/proof/canonical.ts";
import { leafHash, verifyInclusion } from "../../../src/core/proof/merkle.ts";
import { account, type Market, Operator } from "../../support/operator.ts";

const MARKET: Market = { balances: [50, 60, 70, 80, 90, 100, 110], threshold: 65 };

let other: Operator;
let own: Operator;
let urls: { other: string; own: string };

/** Two operators with an epoch each; the other's world is as given. */
async function tell(theirs: Partial<Market>): Promise<void> {
  [other, own] = [new Operator({ ...MARKET, ...theirs }), new Operator(MARKET, 8)];
  urls = { other: await other.listen(), own: await own.listen() };
  for (const operator of [other, own]) {
    operator.fill(5);
    operator.epoch();
  }
}
beforeEach(() => tell({}));
afterEach(() => Promise.all([other.stop(), own.stop()]));

/** Long enough for a busy machine; a test in which nothing comes waits less long. */
const PATIENT_MS = 30_000;

const explain = ({ timeoutMs = PATIENT_MS, now = (): number => 0, untilMs = 0 } = {}) =>
  explainDifference({
    theirs: parseEpochBody(other.epochs[0] as never),
    ours: parseEpochBody(own.epochs[0] as never),
    other: remoteRecord(urls.other, { timeoutMs }),
    own: remoteRecord(urls.own, { timeoutMs }),
    ...{ now, untilMs },
  });

const pages = (serve: (after: string | null) => unknown) => (path: string) => ({
  body: JSON.stringify(serve(new URL(path, "http://x").searchParams.get("after"))),
});

async function again(theirs: Partial<Market>): Promise<void> {
  await Promise.all([other.stop(), own.stop()]);
  await tell(theirs);
}

describe("what is named of two epochs that differ", () => {
  test("is the account whose balance differs, in the first tree that does, and the figure", async () => {
    await again({ balances: MARKET.balances.with(5, 101) });
    const { members, rule, leaf, notes, isPartial } = await explain();
    expect(members.map(({ path }) => path)).toEqual(["stateRoot", "assessmentRoot", "collateralRoot"]);
    expect([rule, notes, isPartial]).toEqual([null, [], false]);
    expect(leaf).toEqual({
      ...{ tree: "state", key: `eip155:901/perp-v2/account:${account(5)}` },
      ...{ path: "collateral.eip155:901/erc20:0x2222222222222222222222222222222222222222", theirs: "101", ours: "100" },
    });
  });

  test("is the rule and its threshold, and the account that it decides otherwise", async () => {
    await again({ threshold: 75 });
    const { rule, leaf } = await explain();
    expect(rule).toEqual({ path: "eu.rules[R-MIN].threshold", theirs: "75", ours: "65" });
    expect(leaf).toEqual({
      ...{ tree: "assessment", key: `eip155:901/perp-v2|eip155:901:${account(2)}|R-MIN` },
      ...{ path: "condition", theirs: "not_met", ours: "met" },
    });
  });

  test("is an account that only one of them has", async () => {
    await again({ balances: MARKET.balances.slice(0, 6) });
    expect((await explain()).leaf).toMatchObject({ tree: "state", path: "", theirs: null });
    await again({ balances: [...MARKET.balances, 1] });
    expect((await explain()).leaf).toMatchObject({ key: `eip155:901/perp-v2/account:${account(7)}`, ours: null });
  });

  test("is told in a file that shows what the log has sealed", async () => {
    await again({ balances: MARKET.balances.with(5, 101) });
    const index = other.tree.size - 1;
    const sources = {
      ...{ log: remoteLog(`${urls.other}/log`, { timeoutMs: PATIENT_MS }), head: other.head() },
      other: remoteRecord(urls.other, { timeoutMs: PATIENT_MS }),
      own: remoteRecord(urls.own, { timeoutMs: PATIENT_MS }),
      logKeys: [other.signer.verifierKey],
    };
    const details = JSON.stringify({ theirs: other.epochs[0], ours: own.epochs[0] });
    const told = await tellRefusal({ index, sentence: "It differs.", details, evidence: null }, sources);
    expect(told.sentence).toContain(`${account(5)}, in it collateral.`);
    expect(told.sentence).toContain("theirs 101, own 100");
    const file = parseCanonical(told.evidence) as { proof: string[]; index: string; leaf: unknown };
    expect(file).toMatchObject({ index: String(index), checkpoint: other.note(), theirs: other.epochs[0] });
    const leaf = leafHash(other.entries[index] as Uint8Array);
    const claim = { index, size: other.tree.size, leafHash: leaf, root: other.tree.root() };
    expect(verifyInclusion({ ...claim, proof: file.proof.map(fromHex) })).toBe(true);

    // What can neither be compared nor proven is told all the same.
    other.changes.set("/log/tile", () => ({ status: 404, body: "" }));
    const bare = await tellRefusal({ index, sentence: "It does not follow.", details: null, evidence: null }, sources);
    expect(bare.sentence).toBe("It does not follow.");
    expect(parseCanonical(bare.evidence)).toMatchObject({ proof: null, theirs: null, members: [] });
  });
});

describe("nothing is named of what the other does not serve as it sealed it:", () => {
  const all = (operator: Operator) =>
    operator.answer("/v1/epochs/eip155:901/0/leaves?tree=state&limit=3").body as string;
  test.each<[string, (path: string) => { status?: number; body: string; delayMs?: number }, RegExp]>([
    [
      "leaves that do not make the root",
      pages(() => ({ leaves: [{ key: "a", state: "x" }], next: null })),
      /not serve the state tree that its log has sealed/,
    ],
    [
      "the own leaves under another root",
      (path) => own.answer(path) as { body: string },
      /not serve the state tree that its log has sealed/,
    ],
    [
      "too few leaves",
      () => ({ body: JSON.stringify({ ...JSON.parse(all(other)), next: null }) }),
      /not serve the state tree that its log has sealed/,
    ],
    ["the same page for ever", () => ({ body: all(other) }), /in the order of their keys/],
    ["a page that leads nowhere", pages(() => ({ leaves: [], next: "x" })), /not say where/],
    ["a page that leads elsewhere", pages(() => ({ leaves: [{ key: "a", state: "x" }], next: "b" })), /not say where/],
    [
      "keys that fall",
      pages(() => ({
        leaves: [
          { key: "b", state: "x" },
          { key: "a", state: "x" },
        ],
        next: null,
      })),
      /in the order of their keys/,
    ],
    ["a state with a number", pages(() => ({ leaves: [{ key: "a", state: { x: 1 } }], next: null })), /is a number/],
    [
      "a state too deep",
      () => ({ body: `{"leaves":[{"key":"a","state":${"[".repeat(5_000)}${"]".repeat(5_000)}}],"next":null}` }),
      /deeper/,
    ],
    [
      "too many leaves in a page",
      pages(() => ({ leaves: Array.from({ length: 501 }, (_, i) => ({ key: `${i}`, state: "x" })), next: null })),
      /leaves/,
    ],
    ["another form", pages(() => ({ rows: [] })), /leaves/],
    ["no JSON", () => ({ body: "<html>" }), /JSON/],
    ["no leaves at all", () => ({ status: 404, body: "" }), /does not serve the leaves/],
  ])("%s", async (_, change, sentence) => {
    await again({ balances: MARKET.balances.with(5, 101) });
    other.changes.set("/v1/epochs/eip155%3A901/0/leaves?tree=state", change);
    other.changes.set("/v1/epochs", (path) =>
      path.includes("tree=") ? { status: 404, body: "" } : other.answer(path),
    );
    const { leaf, notes, isPartial } = await explain();
    expect(leaf).toBeNull();
    expect(notes[0]).toMatch(sentence);
    expect(isPartial).toBe(false);
  });

  test.each<[string, { status?: number; body: string; delayMs?: number }, number]>([
    ["a huge page", { body: "x".repeat(5_000_000) }, PATIENT_MS],
    ["an error", { status: 500, body: "" }, PATIENT_MS],
    ["a page that does not come", { body: "{}", delayMs: 1_500 }, 500],
  ])("%s, and it may be asked for again", async (_, answer, timeoutMs) => {
    await again({ balances: MARKET.balances.with(5, 101) });
    other.changes.set("/v1/epochs", () => answer);
    const { leaf, isPartial } = await explain({ timeoutMs });
    expect([leaf, isPartial]).toEqual([null, true]);
  });

  test("pages without end, within the time there is", async () => {
    await again({ balances: MARKET.balances.with(5, 101) });
    let at = 0;
    const endless = pages(() => {
      const leaves = Array.from({ length: 500 }, () => ({ key: `${at++}`.padStart(12, "0"), state: "x" }));
      return { leaves, next: leaves.at(-1)?.key };
    });
    other.changes.set("/v1/epochs", endless);
    const { leaf, notes } = await explain({ now: () => at, untilMs: 5_000 });
    expect(leaf).toBeNull();
    expect(notes).toContain("The other server takes too long to serve the leaves of the state tree.");
  });

  test("rulebooks that are not those of the hashes", async () => {
    await again({ threshold: 75 });
    const body = own.answer(`/v1/bodies/${own.epochs[0]?.rulebookHash}`);
    other.changes.set("/v1/bodies", () => body);
    const { rule, leaf, notes } = await explain();
    expect(rule).toBeNull();
    expect(notes[0]).toContain("does not serve the rulebook");
    expect(leaf).not.toBeNull();
    other.changes.set("/v1/bodies", () => ({ status: 404, body: "" }));
    expect((await explain()).notes[0]).toContain("does not serve its rulebook");
  });
});
