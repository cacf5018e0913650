import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseUncompared } from "../../../../server/others/epoch-check.ts";
import type { WitnessLook } from "../../../../server/others/follower.ts";
import { remoteLog } from "../../../../server/others/remote-log.ts";
import { remoteRecord } from "../../../../server/others/remote-record.ts";
import { createWitness, type Witness, type WitnessOptions } from "../../../../server/others/witness.ts";
import { openWitnessStore, type WitnessStore } from "../../../../server/others/witness-state.ts";
import { cosignerOf } from "../../../../src/core/log/cosignature.ts";
import { Operator } from "../../../support/operator.ts";

export const MARKET = { balances: [50, 60, 70, 80], threshold: 65 };
export const COSIGNER = cosignerOf("witness.test/w", new Uint8Array(32).fill(9));
export const NOW_MS = 1_800_000_000_000;

/** A request for which something is still missing is answered within this; any other may take its time. */
export const IMPATIENT = { patienceMs: 300 };

/** What a test wants otherwise; `timeoutMs` is how long a server may take to answer. */
type Changes = Partial<WitnessOptions> & { uncompared?: string[]; timeoutMs?: number };

/** Another operator and the own one, and what a witness between them has on disk. */
export class WitnessStand {
  other = new Operator(MARKET);
  own = new Operator(MARKET, 8);
  readonly urls = { other: "", own: "" };
  readonly store: WitnessStore;
  clockMs = NOW_MS;
  /** Faults that were found outside of a look. */
  readonly faults: WitnessLook[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), "plumbline-witness-"));

  private constructor() {
    this.store = openWitnessStore(join(this.#folder, "witness.sqlite"));
  }

  /** A stand whose operators answer. Close it when done. */
  static async open(): Promise<WitnessStand> {
    const stand = new WitnessStand();
    stand.urls.other = await stand.other.listen();
    stand.urls.own = await stand.own.listen();
    return stand;
  }

  async close(): Promise<void> {
    this.store.close();
    await Promise.all([this.other.stop(), this.own.stop()]);
    rmSync(this.#folder, { recursive: true });
  }

  /** A witness as it starts, with what is on disk. */
  start({ uncompared = [], timeoutMs = 30_000, ...options }: Changes = {}): Witness {
    return createWitness({
      log: remoteLog(`${this.urls.other}/log`, { timeoutMs }),
      logKeys: [this.other.signer.verifierKey],
      epochs: {
        other: remoteRecord(this.urls.other, { timeoutMs }),
        own: remoteRecord(this.urls.own, { timeoutMs }),
        isUncompared: parseUncompared(uncompared),
      },
      ...{ cosigner: COSIGNER, store: this.store, now: () => this.clockMs, retryMs: 10, patienceMs: 60_000 },
      onFault: (fault) => this.faults.push(fault),
      ...options,
    });
  }

  /** Another operator in the place of the one that is followed. */
  async replaceOther(by: Operator): Promise<void> {
    await this.other.stop();
    this.other = by;
    this.urls.other = await by.listen();
  }

  /** Both operators go on for `count` epochs, with other entries between them. */
  goOn(count: number): void {
    for (let i = 0; i < count; i++) {
      this.other.fill(40);
      this.other.epoch();
      this.own.epoch();
    }
    this.other.fill(3);
  }

  /** Leaves of the largest head that was cosigned. */
  cosignedSize(): number {
    return this.store.cosigned(this.other.signer.name)?.size ?? 0;
  }
}
