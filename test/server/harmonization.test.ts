import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RunningServer } from "../../server/server.ts";
import { matrixOf } from "../../src/core/harmonization/matrix.ts";
import { presentPosition } from "../../src/core/harmonization/present.ts";
import { rolesFor } from "../../src/core/harmonization/roles.ts";
import type { Rulebook } from "../../src/core/rules/rule.ts";
import { runPlumbline } from "../support/plumbline.ts";
import { ACCOUNT, DAY, findingsAt, position } from "../unit/harmonization/findings.ts";
import { wad } from "../unit/rules/figures.ts";
import { ask, createWorld, until, type World } from "./support/world.ts";

const PLACES = ["EU", "UK", "JP", "AU", "SG", "HK", "AE-DU", "CH", "US"];
const AS_OF = { chain: "eip155:901", blockNumber: "9", blockHash: "0x00", timestamp: "1775088018" };

let world: World;
let server: RunningServer;
beforeEach(async () => {
  world = await createWorld();
  server = await world.start();
  await until(async () => (await ask(server, "{ __typename }")).data !== undefined, "a schema");
});
afterEach(() => world.end());

/** What the indexer says of a retail client's ETH perpetual at 3:1. */
function answerMatrix(rulebook: Rulebook, query: URLSearchParams) {
  const roles = rolesFor(rulebook, {
    jurisdictions: query.getAll("jurisdictions"),
    clientClasses: query.getAll("clientClasses"),
  });
  const findings = findingsAt(rulebook, { leverage: wad(3n) });
  const about = { subject: ACCOUNT, account: ACCOUNT, date: DAY, rulebookHash: rulebook.hash, asOf: AS_OF };
  const matrix = matrixOf(rulebook, { positions: [position()], findings, day: DAY, roles });
  return { status: 200, body: { ...about, positions: [presentPosition(position())], ...matrix } };
}

const CITED =
  "ruleId title measured threshold headroom decimals unit unconfirmed citation { instrument provision source }";
const MATRIX = `query($subject: String!, $jurisdictions: [String!], $clientClasses: [String!], $date: String) {
  matrix(subject: $subject, jurisdictions: $jurisdictions, clientClasses: $clientClasses, date: $date) {
    date positions { id kind underlierClass notional }
    rows { jurisdiction clientClass outcome prohibited allowedLeverage leverageCaps { ruleId } binding { ${CITED} } }
    strictest { outcome prohibited jurisdictions allowedLeverage binding { ruleId } tightest { metric } }
  }
}`;

describe("the matrix", () => {
  const variables = { subject: ACCOUNT, jurisdictions: PLACES, clientClasses: ["retail"] };

  test("of one account over nine jurisdictions comes in one question, one request to the indexer and 200 ms", async () => {
    const { rulebook } = world;
    world.indexer.answers.set("/harmonization/matrix", (query) => answerMatrix(rulebook, query));
    await ask(server, MATRIX, { variables });
    world.indexer.requests.length = 0;
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      const { data } = await ask(server, MATRIX, { variables });
      times.push(performance.now() - start);
      const rows = data.matrix.rows as { jurisdiction: string; allowedLeverage: string; prohibited: boolean }[];
      expect(Object.fromEntries(rows.map((row) => [row.jurisdiction, row.allowedLeverage]))).toEqual({
        ...{ EU: "2", JP: "2", AU: "2", "AE-DU": "5", SG: "1" },
        ...{ UK: "0", HK: "0", US: "0", CH: null },
      });
      expect(rows.filter((row) => row.prohibited).map((row) => row.jurisdiction)).toEqual(["UK", "HK", "US"]);
      expect(data.matrix.strictest).toMatchObject({ outcome: "breach", prohibited: true, allowedLeverage: "0" });
    }
    expect(world.indexer.requests.filter((path) => path === "/harmonization/matrix")).toHaveLength(5);
    expect(Math.min(...times)).toBeLessThan(200);
  });

  test("cites every binding rule and marks what is unconfirmed", async () => {
    const { rulebook } = world;
    world.indexer.answers.set("/harmonization/matrix", (query) => answerMatrix(rulebook, query));
    const { data } = await ask(server, MATRIX, { variables });
    type Row = {
      jurisdiction: string;
      binding: { unconfirmed: boolean; citation: { instrument: string; provision: string } } | null;
    };
    const marks = (data.matrix.rows as Row[]).map((row) => [row.jurisdiction, row.binding?.unconfirmed ?? null]);
    expect(Object.fromEntries(marks)).toMatchObject({ EU: true, UK: false, HK: true, CH: null });
    for (const { binding } of data.matrix.rows as Row[]) {
      if (binding !== null)
        expect(binding.citation.instrument.length + binding.citation.provision.length).toBeGreaterThan(5);
    }
  });

  test("records nothing: neither verdicts nor entries of the log come of it", async () => {
    const { rulebook } = world;
    world.indexer.answers.set("/harmonization/matrix", (query) => answerMatrix(rulebook, query));
    const recorded = "{ ledgerEntries(limit: 1000) { index } verdicts { id } breaches { id } }";
    const before = await ask(server, recorded);
    await ask(server, MATRIX, { variables });
    expect(await ask(server, recorded)).toEqual(before);
  });

  test("passes on the indexer's refusal as one sentence, and hides its faults", async () => {
    const refusal = "The subject is neither an account like eip155:901:0x… nor the id of a position.";
    world.indexer.answers.set("/harmonization/matrix", () => ({ status: 400, body: { error: refusal } }));
    const refused = await ask(server, MATRIX, { variables: { subject: "nobody" } });
    expect(refused.errors.map((e: { message: string }) => e.message)).toEqual([refusal]);
    world.indexer.answers.set("/harmonization/matrix", () => ({ status: 500, body: { error: "at /src/api/x.ts" } }));
    const failed = await ask(server, MATRIX, { variables: { subject: "nobody" } });
    expect(JSON.stringify(failed.errors)).not.toMatch(/src|HTTP|indexer/);
  });

  test("refuses a day that is none and lists beyond measure without asking the indexer", async () => {
    world.indexer.requests.length = 0;
    const day = await ask(server, MATRIX, { variables: { ...variables, date: "2026-02-30" } });
    expect(day.errors[0].message).toMatch(/2026-02-30.*UTC day/);
    const many = await ask(server, MATRIX, { variables: { ...variables, jurisdictions: Array(200).fill("EU") } });
    expect(many.errors[0].message).toMatch(/more than 100/);
    expect(world.indexer.requests).not.toContain("/harmonization/matrix");
  });
});

describe("rules and the common core", () => {
  test("are told without the indexer, from the rulebook the server judges by", async () => {
    const { rulebook } = world;
    const { data } = await ask(
      server,
      `{ rules(jurisdictions: ["UK"]) { rulebookHash total computed needsFact notYet rules { id unconfirmed citation { instrument } } }
         commonCore(jurisdictions: ["EU", "JP", "AU"], date: "${DAY}") {
           roles { jurisdiction clientClass } entries { metric underlierClasses isAgreed strictest { threshold } }
         } }`,
    );
    expect(data.rules.rulebookHash).toBe(rulebook.hash);
    expect(data.rules.total).toBe(data.rules.computed + data.rules.needsFact + data.rules.notYet);
    expect(data.rules.rules).toContainEqual(expect.objectContaining({ id: "UK-CRYPTO-DERIV-BAN", unconfirmed: false }));
    expect(data.commonCore.roles.map((r: { clientClass: string }) => r.clientClass)).toEqual([
      "retail",
      "individual",
      "retail",
    ]);
    const crypto = data.commonCore.entries.find(
      (e: { metric: string; underlierClasses: string[] }) =>
        e.metric === "POS.LEVERAGE_OPEN" && e.underlierClasses.includes("crypto"),
    );
    expect(crypto).toMatchObject({ isAgreed: true, strictest: { threshold: "2" } });
  });

  test.each([
    ['{ rules(jurisdictions: ["XX"]) { total } }', /"XX"/],
    ['{ rules(evaluation: "perhaps") { total } }', /"perhaps"/],
    ['{ commonCore(clientClass: "nobleman") { common } }', /"nobleman"/],
    ['{ commonCore(clientClass: "retail", entityClass: "bank") { common } }', /both were given/],
    ['{ rules(date: "yesterday") { total } }', /"yesterday"/],
  ])("%s is refused with a sentence", async (question, words) => {
    expect((await ask(server, question)).errors[0].message).toMatch(words);
  });
});

describe("the commands", () => {
  test("print the matrix as a table, as JSON, and refusals as one sentence with exit code 2", async () => {
    world.indexer.answers.set("/harmonization/matrix", (query) => answerMatrix(world.rulebook, query));
    const args = ["matrix", ACCOUNT, "--url", server.url, "--client-class", "retail", "--jurisdiction", "EU"];
    const [asText, asJson, refused] = [
      runPlumbline([...args, "--jurisdiction", "UK"], {}),
      runPlumbline([...args, "--json"], {}),
      runPlumbline([...args, "--date", "2026-02-30"], {}),
    ];
    expect(await asText.exited).toBe(0);
    expect(asText.stdout()).toMatch(/^EU +retail +breach +2:1 +3 +<= 2 ratio +-1 +EU-CFD-LEV-CRYPTO \*$/m);
    expect(asText.stdout()).toMatch(/^UK +retail +breach +prohibited .*UK-CRYPTO-DERIV-BAN$/m);
    expect(asText.stdout()).toMatch(/COBS 22\.6\.5R/);
    expect(await asJson.exited).toBe(0);
    expect(JSON.parse(asJson.stdout()).rows[0].binding.measured).toBe(wad(3n).toString());
    expect(await refused.exited).toBe(2);
    expect(refused.stderr()).toMatch(/^The date is "2026-02-30"; expected a UTC day like 2026-04-02\.\n$/);
    expect(refused.stdout()).toBe("");
  });

  test("print the common core, and say so when nothing answers", async () => {
    const core = runPlumbline(["common-core", "--url", server.url, "--jurisdiction", "EU", "--jurisdiction", "JP"], {});
    const nowhere = runPlumbline(["divergence", "--url", "http://127.0.0.1:1"], {});
    expect(await core.exited).toBe(0);
    expect(core.stdout()).toMatch(/^POS\.LEVERAGE_OPEN +crypto +yes +<= 2 ratio\*/m);
    expect(await nowhere.exited).toBe(2);
    expect(nowhere.stderr()).toMatch(/^No Plumbline answers at http:\/\/127\.0\.0\.1:1;/);
  });
});
