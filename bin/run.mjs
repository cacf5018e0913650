#!/usr/bin/env node
import { resolve } from "node:path";
// Runs one of the project's TypeScript programs: `node bin/run.mjs <file> [arguments]`.
import { pathToFileURL } from "node:url";
import { register } from "tsx/esm/api";

const [, , file, ...rest] = process.argv;
process.argv = [process.argv[0], file, ...rest];
register();
await import(pathToFileURL(resolve(file)).href);
