import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Vite would take GraphQL's ES modules where Node takes its CommonJS ones, and two copies of it refuse each other. */
const resolve = {
  alias: [
    { find: /^graphql$/, replacement: fileURLToPath(new URL("./node_modules/graphql/index.js", import.meta.url)) },
  ],
};

/**
 * Two kinds of test. Unit tests are pure and run side by side. All others start chains, databases or whole systems, so
 * their files run one after another: two of them at once on two cores would only measure each other.
 */
export default defineConfig({
  test: {
    reporters: process.env.PLUMBLINE_TEST_REPORT ? ["default", "json"] : ["default"],
    ...(process.env.PLUMBLINE_TEST_REPORT ? { outputFile: { json: process.env.PLUMBLINE_TEST_REPORT } } : {}),
    projects: [
      {
        resolve,
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        resolve,
        test: {
          name: "system",
          include: ["test/**/*.test.ts"],
          exclude: ["test/unit/**"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
