import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const POLL_MS = 100;
const CHUNK_BYTES = 65_536;

/**
 * Hands on the lines of a log file as they are written, from its present end. The processes write to the file itself, not through a pipe of
 * ours, so that they can still log their shutdown when the supervisor has been killed.
 */
export class LogTail {
  readonly #file: number;
  readonly #onLine: (line: string) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #buffer = Buffer.alloc(CHUNK_BYTES);
  #offset: number;
  #rest = "";

  constructor(path: string, onLine: (line: string) => void) {
    this.#file = openSync(path, "r");
    this.#offset = fstatSync(this.#file).size;
    this.#onLine = onLine;
    this.#timer = setInterval(() => this.read(), POLL_MS);
  }

  /** Reads what has been written since the last time. */
  read(): void {
    for (;;) {
      const length = readSync(this.#file, this.#buffer, 0, CHUNK_BYTES, this.#offset);
      if (length === 0) return;
      this.#offset += length;
      const lines = (this.#rest + this.#buffer.toString("utf8", 0, length)).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) this.#onLine(line.trimEnd());
    }
  }

  /** Reads the rest and closes the file. */
  close(): void {
    clearInterval(this.#timer);
    this.read();
    closeSync(this.#file);
  }
}
