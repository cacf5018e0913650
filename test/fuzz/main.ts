/**
 * `npm run fuzz`: mutates honest bundles of every kind and checks each mutant. Exit code 0 when all are refused, 1 when
 * one was verified, or checking it threw, crashed or hung. The same seed gives the same mutants.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
  },
});
const [runs, seed, from] = [Number(values.runs), Number(values.seed), Number(values.from)];

/** Starting two chains takes longest; checking one mutant a fraction of this. */
const SILENT_MS = 120_000;
const PROGRESS_EVERY = 500;

type Line = { made?: string[]; index?: number; kind?: string; specimen?: string; refusedBy?: string; fault?: string };

const counts = { kinds: new Map<string, number>(), links: new Map<string, number>() };
const count = (of: Map<string, number>, key: string) => of.set(key, (of.get(key) ?? 0) + 1);
const say = (line: string) => process.stdout.write(`${line}\n`);
let done = 0;
let faults = 0;
let last: Line = {};
let begun = performance.now();

const worker = spawn(process.execPath, ["bin/run.mjs", "test/fuzz/worker.ts", ...[seed, from, runs].map(String)], {
  stdio: ["ignore", "pipe", "inherit"],
});
const ended = new Promise<number | null>((resolve) => worker.once("exit", resolve));
const hung = () => {
  fault(`nothing was heard for ${SILENT_MS / 1000} s`);
  worker.kill("SIGKILL");
};
let deadline = setTimeout(hung, SILENT_MS);

say(`seed ${seed}: ${runs} mutants from ${from} on`);
for await (const text of createInterface({ input: worker.stdout })) {
  clearTimeout(deadline);
  deadline = setTimeout(hung, SILENT_MS);
  take(JSON.parse(text) as Line);
}
clearTimeout(deadline);
const exitCode = await ended;
if (exitCode !== 0 && faults === 0) fault(`the process ended with ${exitCode}`);
report();
process.exitCode = faults === 0 && done === runs ? 0 : 1;

function take(line: Line): void {
  if (line.made !== undefined) {
    for (const made of line.made) say(`  ${made}`);
    begun = performance.now();
    return;
  }
  if (line.kind !== undefined) {
    last = line;
    return;
  }
  done++;
  count(counts.kinds, (last.kind as string).replace(", sealed anew", ""));
  if (line.fault) fault(line.fault);
  else count(counts.links, line.refusedBy as string);
  if (done % PROGRESS_EVERY === 0) {
    const rate = (1000 * done) / (performance.now() - begun);
    say(`${done} of ${runs}: ${faults} faults, ${rate.toFixed(0)} a second`);
  }
}

function fault(what: string): void {
  faults++;
  say(`FAULT at ${last.index} (--seed ${seed} --from ${last.index} --runs 1): ${last.kind}, ${last.specimen}: ${what}`);
}

function report(): void {
  for (const [title, of] of [
    ["by kind", counts.kinds],
    ["refused by", counts.links],
  ] as const) {
    say(`\n${title}`);
    for (const [key, times] of [...of].sort((a, b) => b[1] - a[1])) say(`${String(times).padStart(6)}  ${key}`);
  }
  say(`\n${done} mutants, ${done - faults} refused, ${faults} faults`);
}
