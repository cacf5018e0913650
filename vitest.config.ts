import { defineConfig } from "vitest/config";

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
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
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
