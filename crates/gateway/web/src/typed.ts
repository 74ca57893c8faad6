// What a viewer types, by position: what waits to be sent, what was sent and may have to be sent again, and how often they
// interrupted. Pure.
//
// A position is a number of bytes since the beginning. The first byte of a connection is where the server says, and the server
// counts along from there.

import { ByteQueue } from "./bytequeue.ts";
import { INPUT_MESSAGE_BYTES } from "./protocol.ts";

/** What the server is told of it when one comes, perhaps again. */
export interface TypedSoFar {
  /** From here on it can be sent, perhaps again. */
  typed_from: number;
  /** After the last byte that was ever sent. */
  typed_to: number;
  interrupts: number;
}

export class Typed {
  readonly #waiting = new ByteQueue(INPUT_MESSAGE_BYTES);
  /** Sent on this connection, and not known to be taken by the program. */
  readonly #kept = new ByteQueue(INPUT_MESSAGE_BYTES);
  /** Of the first byte that waits. */
  #position = 0;
  /** So many bytes of what waits were sent on a former connection. */
  #again = 0;
  #interrupts = 0;
  /** How many of them this connection has said. */
  #told = 0;
  /** `lasting`: of a terminal that can be resumed. */
  #connection: "none" | "passing" | "lasting" = "none";

  get waitingBytes(): number {
    return this.#waiting.length;
  }

  /** What the first message of a connection says. */
  join(): TypedSoFar {
    this.#told = this.#interrupts;
    return { typed_from: this.#position, typed_to: this.#position + this.#again, interrupts: this.#interrupts };
  }

  /**
   * A terminal is open that takes what is typed from the position `from` on; undefined where it counts nothing. Returns how
   * many interrupts are still to be said.
   */
  open(from: number | undefined): number {
    this.#connection = from === undefined ? "passing" : "lasting";
    const taken = from === undefined ? 0 : Math.min(Math.max(from - this.#position, 0), this.#again);
    this.#waiting.drop(taken);
    this.#again -= taken;
    this.#position = from ?? 0;
    const untold = this.#interrupts - this.#told;
    this.#told = this.#interrupts;
    return untold;
  }

  /** The connection is gone. What the program may not have of a terminal that can be resumed waits again; of another one all is dropped. */
  close(): void {
    if (this.#connection === "passing") this.drop();
    this.#again += this.#kept.length;
    this.#position -= this.#kept.length;
    this.#waiting.prepend(this.#kept);
    this.#connection = "none";
  }

  push(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
  }

  /** What to send next, at most `limit` bytes. */
  next(limit: number): Uint8Array | undefined {
    const bytes = this.#waiting.take(limit);
    if (bytes === undefined) return undefined;
    this.#position += bytes.length;
    this.#again = Math.max(0, this.#again - bytes.length);
    if (this.#connection === "lasting") this.#kept.push(bytes);
    return bytes;
  }

  /** The program took all that was sent on this connection but so many bytes. */
  credited(uncreditedBytes: number): void {
    this.#kept.drop(this.#kept.length - Math.min(this.#kept.length, uncreditedBytes));
  }

  /** Drops what waits and what may not have come: nothing of it is sent again. */
  drop(): void {
    // Without a connection the server may have all that was ever sent; on one it counts what came on that.
    if (this.#connection === "none") this.#position += this.#again;
    this.#again = 0;
    this.#waiting.clear();
    this.#kept.clear();
  }

  /** Ctrl-C that overtakes what it drops. `now`: the connection is to say it. */
  interrupt(): "now" | "later" {
    this.drop();
    this.#interrupts += 1;
    if (this.#connection === "none") return "later";
    this.#told = this.#interrupts;
    return "now";
  }

  /** Drops all of it, and interrupts that nobody was told of. */
  withdraw(): void {
    this.drop();
    this.#interrupts = this.#told;
  }
}
