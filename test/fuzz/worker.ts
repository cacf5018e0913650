/** Makes mutants and judges them, a line of JSON each. A process of its own, so that a hang or a crash is seen. */
import { judge } from "./judge.ts";
import { mutate } from "./mutate.ts";
import { makeSpecimens } from "./specimens.ts";

const [seed, from, runs] = process.argv.slice(2).map(Number) as [number, number, number];
const made = await makeSpecimens();
say({ made: made.specimens.map(({ name, bytes }) => `${name} (${bytes.length} bytes)`) });
for (let index = from; index < from + runs; index++) {
  const mutant = await mutate(made.specimens, { seed, index });
  say({ index, kind: mutant.kind, specimen: mutant.specimen });
  say({ index, ...(await judge(mutant, made)) });
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
