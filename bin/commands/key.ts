import { Command } from "commander";
import { keysOfLog, retireKey, rotateKey } from "../../server/auth/log-keys.ts";

type KeyFlags = { data?: string };

/** `plumbline key`: the keys the log signs with. What changes takes effect at the server's next start. */
export function keyCommand(): Command {
  const key = new Command("key").description("the log's own keys: list them, begin a change of key, end it");
  const add = (name: string, description: string, work: (dataDir: string) => string) =>
    key
      .command(name)
      .description(description)
      .option("--data <dir>", "data directory (default: PLUMBLINE_DATA, or .plumbline)")
      .action(({ data }: KeyFlags) => {
        process.stdout.write(work(data ?? (process.env.PLUMBLINE_DATA || ".plumbline")));
      });
  add("list", "the keys that sign, and those that have signed, as text", listing);
  add("rotate", "make the next key; from the server's next start both sign", (dataDir) => {
    const made = rotateKey(dataDir);
    return `${made}\nStart the server again: from then on it signs with this key and the one before. Make it known, then: plumbline key retire\n`;
  });
  add("retire", "end the overlap: the next key stays, the one before signs no more and is removed", (dataDir) => {
    const retired = retireKey(dataDir);
    return `${retired}\nStart the server again: from then on this key signs no more.\n`;
  });
  return key;
}

function listing(dataDir: string): string {
  const { signer, next, retired } = keysOfLog(dataDir).keys;
  const lines = [
    ...(next === null ? [] : [`next     ${next.verifierKey}`]),
    `signs    ${signer.verifierKey}`,
    ...retired.map((key) => `retired  ${key}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
