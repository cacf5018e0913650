import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.ts";

/** Vite would take GraphQL's ES modules where Node takes its CommonJS ones, and two copies of it refuse each other. */
const resolve = {
  alias: [
    { find: /^graphql$/, replacement: fileURLToPath(new URL("./node_modules/graphql/index.js", import.meta.url)) },
  ],
};

/** Tests that say how long something may take, which is only so on a machine of their own. */
const TIMED = [
  "test/chain/derivation.test.ts",
  "test/chain/verified-call.test.ts",
  "test/server/harmonization.test.ts",
];

/** Whatever is waited for may take many times as long on a machine that has much else to do; only a hang takes longer. */
const unit = { testTimeout: 180_000, hookTimeout: 180_000, expect: { poll: { timeout: 60_000 } } };

/** The same for tests of chains, databases and whole systems. */
const system = { testTimeout: 600_000, hookTimeout: 900_000, expect: { poll: { timeout: 300_000 } } };

/**
 * Three kinds of test. Unit tests are pure and run side by side. The others start chains, databases or whole systems, of
 * which much is waiting: two files at a time, each with ports and folders of its own. Those that measure time come last,
 * one by one.
 */
export default defineConfig({
  test: {
    reporters: process.env.PLUMBLINE_TEST_REPORT ? ["default", "json"] : ["default"],
    ...(process.env.PLUMBLINE_TEST_REPORT ? { outputFile: { json: process.env.PLUMBLINE_TEST_REPORT } } : {}),
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        resolve,
        test: {
          ...unit,
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          sequence: { groupOrder: 0 },
        },
      },
      {
        resolve,
        test: {
          ...system,
          name: "system",
          include: ["test/**/*.test.ts"],
          exclude: ["test/unit/**", ...TIMED],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        resolve,
        test: {
          ...system,
          name: "timed",
          include: TIMED,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
