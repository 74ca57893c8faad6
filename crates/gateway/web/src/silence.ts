// Notices that nothing comes any more: a browser tells nobody that the network went away. It must not touch a socket.

export class Silence {
  #limitMs: number | undefined;
  #heardMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly tooLong: () => void) {}

  /** From now on something must come within each `limitMs`; undefined for a server that promises nothing. */
  watch(limitMs: number | undefined): void {
    this.stop();
    this.#limitMs = limitMs;
    this.heard();
    this.#check();
  }

  heard(): void {
    this.#heardMs = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#limitMs = undefined;
  }

  /** One timer for any number of messages. */
  #check(): void {
    if (this.#limitMs === undefined) return;
    const leftMs = this.#heardMs + this.#limitMs - performance.now();
    if (leftMs <= 0) this.tooLong();
    else this.#timer = setTimeout(() => this.#check(), leftMs);
  }
}
