// Counts input that was sent and that the program has not taken yet; it must not send anything itself. Pure.

export class InputCredit {
  #windowBytes = 0;
  #uncreditedBytes = 0;

  /** Before `hello` nothing may be sent. Undefined for an older gateway, which sends no credit and bounds nothing. */
  open(windowBytes: number | undefined): void {
    this.#windowBytes = windowBytes ?? Infinity;
  }

  /** Whether the gateway speaks of credit, and so of `interrupt`. */
  get isBounded(): boolean {
    return this.#windowBytes !== Infinity;
  }

  get windowBytes(): number {
    return this.#windowBytes;
  }

  get uncreditedBytes(): number {
    return this.#uncreditedBytes;
  }

  /** What may be sent now, in bytes. */
  get roomBytes(): number {
    return this.#windowBytes - this.#uncreditedBytes;
  }

  sent(bytes: number): void {
    if (this.isBounded) this.#uncreditedBytes += bytes;
  }

  /** Credit for more than was sent cannot widen the window. */
  granted(bytes: number): void {
    this.#uncreditedBytes = Math.max(0, this.#uncreditedBytes - bytes);
  }
}
