/**
 * The import rules of the architecture: core ← adapters ← indexing; core, adapters ← verifier ← server, bin;
 * core, adapters ← server, bin, console; core ← intake.
 */
const REST_OF_SRC = "^src/(?!core/)";

/** Pure libraries that also run in a browser: the only ones the core and the adapters may use. */
const PURE_PACKAGES = "node_modules/(@noble/|zod|canonicalize|@ethereumjs/|viem|abitype)";

module.exports = {
  forbidden: [
    {
      name: "no-circular",
      comment: "A cycle means two modules are one; merge them or move what they share.",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "core-is-the-bottom",
      comment: "The core knows nothing of protocols, Ponder, the server or the command line.",
      severity: "error",
      from: { path: "^src/core/" },
      to: { path: [REST_OF_SRC, "^(abis|intake|verifier|server|bin|console|devnet|bench|test)/", "^ponder\\."] },
    },
    {
      name: "adapters-know-the-core-only",
      comment:
        "An adapter sees the core, its ABIs and other adapters' catalogue entries, never the indexer or the server.",
      severity: "error",
      from: { path: "^src/adapters/" },
      to: { path: ["^src/(indexing|api)/", "^(intake|verifier|server|bin|console|devnet|bench|test)/", "^ponder\\."] },
    },
    {
      name: "verifier-knows-core-and-adapters",
      comment: "What a stranger runs must not need the indexer, the server or the command line.",
      severity: "error",
      from: { path: "^verifier/" },
      to: { path: ["^src/(indexing|api)/", "^(intake|server|bin|console|devnet|bench|test)/", "^ponder\\."] },
    },
    {
      name: "pure-code-has-no-system",
      comment:
        "No clock, file, process or network in core and adapters: re-execution is a proof only if nothing leaks in.",
      severity: "error",
      from: { path: "^(src/(core|adapters)|verifier)/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "pure-code-uses-pure-packages",
      comment:
        "Core, adapters and verifier use libraries that are pure and run in a browser; add one to the list knowingly.",
      severity: "error",
      from: { path: "^(src/(core|adapters)|verifier)/" },
      to: { path: "node_modules/", pathNot: PURE_PACKAGES },
    },
    {
      name: "pure-code-has-no-client",
      comment: "Of viem only the codecs: a client would bring the network in.",
      severity: "error",
      from: { path: "^(src/(core|adapters)|verifier)/" },
      to: { path: "node_modules/viem/.*/(actions|clients)/" },
    },
    {
      name: "nothing-imports-indexing",
      comment:
        "The indexer's handlers are an end point. The one exception is the loopback API, which runs in the same process " +
        "and answers `current` and `explain` from the live books that src/indexing/runtime.ts keeps; two copies of a " +
        "book would be two truths. ponder.config.ts derives its sources from the indexer's settings.",
      severity: "error",
      from: { pathNot: "^(src/indexing/|src/api/|ponder\\.config\\.ts|test/|bench/)" },
      to: { path: "^src/indexing/" },
    },
    {
      name: "api-reads-the-runtime-only",
      comment:
        "Of the indexer the loopback API may see the live books, the settings and the form of its rows, and never a handler.",
      severity: "error",
      from: { path: "^src/api/" },
      to: { path: "^src/indexing/", pathNot: "^src/indexing/(runtime|settings|rows)\\.ts$" },
    },
    {
      name: "nothing-imports-the-api",
      comment: "The loopback API is spoken to over HTTP.",
      severity: "error",
      from: { pathNot: "^(src/api/|test/)" },
      to: { path: "^src/api/" },
    },
    {
      name: "ponder-stays-in-the-indexer",
      comment:
        "Server, command line, intake and devnet never import Ponder: its realm, globals and process habits stay in one process.",
      severity: "error",
      from: { pathNot: "^(src/(indexing|api)/|ponder\\.(config|schema)\\.ts|bench/)" },
      to: { path: ["node_modules/ponder/", "^ponder:", "^ponder\\.(config|schema)"] },
    },
    {
      name: "server-stands-alone",
      comment: "The server uses core and adapters, and reaches the indexer over HTTP.",
      severity: "error",
      from: { path: "^server/" },
      to: { path: ["^(bin|devnet|intake|bench|test|console)/"] },
    },
    {
      name: "intake-knows-the-core-only",
      comment: "The intake checks nodes; it needs the proof code and nothing above it.",
      severity: "error",
      from: { path: "^intake/" },
      to: { path: [REST_OF_SRC, "^(server|bin|devnet|bench|test|console)/"] },
    },
    {
      name: "nothing-ships-tests",
      comment: "Programs never import what only tests use.",
      severity: "error",
      from: { pathNot: "^(test|bench)/" },
      to: { path: "^test/" },
    },
    {
      name: "declared-packages-only",
      comment: "A package that package.json does not name can vanish with the next install.",
      severity: "error",
      from: { path: "^(src|verifier|server|bin|intake|devnet)/" },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "\\.json$" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};
