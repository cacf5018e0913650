#!/usr/bin/env node
// The plumbline command. Plain JavaScript, so that an old Node or a missing install gets a sentence and not a stack.
import { existsSync } from "node:fs";

const REQUIRED_NODE = [20, 19];

function refuse(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(2);
}

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < REQUIRED_NODE[0] || (major === REQUIRED_NODE[0] && minor < REQUIRED_NODE[1])) {
  refuse(`Node ${process.versions.node} is too old: Plumbline needs Node ${REQUIRED_NODE.join(".")} or newer.`);
}
if (!existsSync(new URL("../node_modules/tsx/package.json", import.meta.url))) {
  refuse("The dependencies are not installed: run `npm ci` first.");
}
const { register } = await import("tsx/esm/api");
register();
const { main } = await import("./main.ts");
await main(process.argv);
