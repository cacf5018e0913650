import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { InputError } from "../../src/core/errors.ts";
import { factsKeyOf } from "../../src/core/rules/facts.ts";

/** `plumbline keygen`: the keys an operator makes by hand. Those of the log and the server make themselves. */
export function keygenCommand(): Command {
  const keygen = new Command("keygen").description("make a key");
  keygen
    .command("facts")
    .description("key pair of whoever states facts: the secret into a file, the public key on stdout")
    .requiredOption("--out <file>", "file for the secret key, which must not exist yet")
    .action(({ out }: { out: string }) => {
      const secret = randomBytes(32).toString("hex");
      writeSecret(out, secret);
      process.stdout.write(`${factsKeyOf(secret)}\n`);
    });
  keygen
    .command("webhook")
    .description("secret for a webhook receiver, on stdout")
    .action(() => {
      process.stdout.write(`whsec_${randomBytes(32).toString("base64")}\n`);
    });
  return keygen;
}

/** @throws InputError when the file cannot be made; a key that is there is never overwritten. */
function writeSecret(file: string, secret: string): void {
  try {
    writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: "wx", flush: true });
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "EEXIST" ? "it exists already" : "it cannot be written";
    throw new InputError(`The secret key cannot go to ${file}: ${why}.`);
  }
}
