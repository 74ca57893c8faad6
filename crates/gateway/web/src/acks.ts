// Counts output that was drawn but not yet acknowledged; it must not send anything itself.

/** The most that is gathered into one acknowledgement while output keeps coming, in bytes. */
const GATHER_BYTES = 128 * 1024;

export class AckMeter {
  #drawn = 0;
  #threshold = GATHER_BYTES;

  /** Half of the window at most is held back, and the broker holds back a quarter: the rest is what is under way. */
  setWindow(bytes: number): void {
    this.#threshold = Math.max(1, Math.min(GATHER_BYTES, Math.floor(bytes / 2)));
  }

  /** Says whether enough is gathered that it should be sent at once. */
  drawn(bytes: number): "now" | "later" {
    this.#drawn += bytes;
    return this.#drawn >= this.#threshold ? "now" : "later";
  }

  /** What to acknowledge, in bytes; counting starts anew. */
  take(): number {
    const bytes = this.#drawn;
    this.#drawn = 0;
    return bytes;
  }
}
