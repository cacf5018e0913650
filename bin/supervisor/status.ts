import { ensureDemoKey } from "../../server/auth/keys.ts";
import type { ChainHealth, Health } from "../../server/http/health.ts";
import type { Plan } from "./plan.ts";

const POLL_MS = 1_000;
const LINE_EVERY_MS = 10_000;
const ANSWER_WITHIN_MS = 5_000;

/** Watches the running system over its public port: says where everything is once it works, then how it moves. */
export class StatusBoard {
  readonly #plan: Plan;
  readonly #say: (line: string) => void;
  readonly #url: string;
  #timer: NodeJS.Timeout | null = null;
  #isUp = false;
  #lastLineAt = performance.now();

  constructor(plan: Plan, say: (line: string) => void) {
    this.#plan = plan;
    this.#say = say;
    this.#url = reachedAt(plan.server.host, plan.port);
  }

  start(): void {
    const place = this.#plan.databaseUrl === null ? "PGlite" : "PostgreSQL";
    this.#say(`indexer   schema ${this.#plan.schema} in ${place}`);
    this.#timer = setInterval(() => void this.#look(), POLL_MS);
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  async #look(): Promise<void> {
    const key = ensureDemoKey(this.#plan.dataDir);
    const health = await this.#fetchHealth(key);
    // Another look may have been quicker, or the end may have come while we waited.
    if (this.#timer === null) return;
    const hasData = health?.chains.every((chain) => chain.indexerHead !== null) ?? false;
    if (!this.#isUp && health && hasData) {
      this.#isUp = true;
      await this.#announce(key);
      this.#lastLineAt = performance.now() - LINE_EVERY_MS;
    }
    if (performance.now() - this.#lastLineAt < LINE_EVERY_MS) return;
    this.#lastLineAt = performance.now();
    const time = new Date().toISOString().slice(11, 19);
    this.#say(`${time}  ${health ? statusLine(health) : "the server does not answer yet"}`);
  }

  async #announce(key: string): Promise<void> {
    const logKey = await fetch(`${this.#url}/log/key`).then((response) => response.text());
    const folder = this.#plan.dataDir;
    // The demo's key opens made-up facts; a real one does not belong into what a terminal or service manager keeps.
    const shownKey = this.#plan.devnetPorts === null ? `in ${folder}/server/supervisor.key` : key;
    for (const line of [
      "",
      "Plumbline is up.",
      `  console         ${this.#url}/`,
      `  GraphQL         ${this.#url}/graphql`,
      `  health          ${this.#url}/v1/health`,
      `  log             ${this.#url}/log/checkpoint`,
      `  log key         ${logKey.trim()}`,
      `  supervisor key  ${shownKey}`,
      `  data and logs   ${folder}`,
      "",
    ]) {
      this.#say(line);
    }
  }

  async #fetchHealth(key: string): Promise<Health | null> {
    try {
      const response = await fetch(`${this.#url}/v1/health`, {
        headers: { authorization: `Bearer ${key}` },
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      return response.ok ? ((await response.json()) as Health) : null;
    } catch {
      return null;
    }
  }
}

/** Where a server on this machine is reached that listens at `host`: at loopback when it listens everywhere. */
export function reachedAt(host: string, port: number): string {
  if (host === "0.0.0.0" || host === "::") return `http://127.0.0.1:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** One line with the figures that move: heads, what is sealed, the log and the breaches. */
function statusLine(health: Health): string {
  const breaches = Object.entries(health.breaches).map(([status, count]) => `${count} ${status}`);
  return [
    ...(health.indexer === "reachable" ? [] : ["the indexer does not answer"]),
    ...health.chains.map(chainFigures),
    `log ${health.ledger.size} entries`,
    ...(breaches.length === 0 ? [] : [`breaches ${breaches.join(", ")}`]),
  ].join("  ·  ");
}

function chainFigures({ chain, state, indexerHead, sealed }: ChainHealth): string {
  const trouble = state === "contradicted" || state === "disagrees" ? ` (${state})` : "";
  return `${chain} head ${indexerHead ?? "–"} sealed ${sealed ?? "–"}${trouble}`;
}
