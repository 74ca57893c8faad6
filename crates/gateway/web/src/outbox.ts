// Sends input in order, never more than the program's credit allows: backpressure of a large paste ends here, in the page.

import { head } from "./chunks.ts";
import { InputCredit } from "./credit.ts";
import { INPUT_MESSAGE_BYTES } from "./protocol.ts";

/** More than this is not handed to the browser at a time, in bytes: control messages never wait behind more. */
const IN_FLIGHT_BYTES = 64 * 1024;
/** The most input that may wait, in bytes. */
export const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** There is no event for a drained socket, so it is polled, in milliseconds. */
const POLL_MS = 20;

export type Sink = Pick<WebSocket, "send" | "bufferedAmount" | "readyState">;

/** Whether input was on its way to the program when the outbox was emptied. */
export type Before = "idle" | "pending";

const OPEN = 1;

export class Outbox {
  readonly #credit = new InputCredit();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly sink: Sink) {}

  /** Nothing is sent before; undefined for an older gateway that knows no window. */
  open(windowBytes: number | undefined): void {
    this.#credit.open(windowBytes);
    this.#pump();
  }

  /** The program took so many bytes, or an interrupt dropped them. */
  credit(bytes: number): void {
    this.#credit.granted(bytes);
    this.#pump();
  }

  /** Takes all of it or, when too much waits already, nothing. */
  push(bytes: Uint8Array): "taken" | "refused" {
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) return "refused";
    if (bytes.length > 0) this.#append(bytes);
    this.#pump();
    return "taken";
  }

  /** Drops what waits, for Ctrl-C. What was sent stays counted until it is credited. `idle` always for an older gateway. */
  interrupt(): Before {
    const pending = this.#waitingBytes > 0 || this.#credit.uncreditedBytes > 0;
    this.clear();
    return pending && this.#credit.isBounded ? "pending" : "idle";
  }

  /** Sends at once all that credit allows: the page is about to be hidden or closed, and timers may not run any more. */
  flush(): void {
    while (this.#waiting.length > 0 && this.sink.readyState === OPEN && this.#credit.roomBytes > 0) this.#sendNext();
  }

  /** Drops what waits: after the connection ended. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** Small input that waits shares a message: mouse reports must not become as many messages later. */
  #append(bytes: Uint8Array): void {
    const last = this.#waiting.at(-1);
    if (last !== undefined && last.length + bytes.length <= INPUT_MESSAGE_BYTES) {
      const joined = new Uint8Array(last.length + bytes.length);
      joined.set(last);
      joined.set(bytes, last.length);
      this.#waiting[this.#waiting.length - 1] = joined;
    } else {
      this.#waiting.push(bytes);
    }
    this.#waitingBytes += bytes.length;
  }

  #pump(): void {
    while (this.#waiting.length > 0 && this.sink.readyState === OPEN && this.#hasWorthwhileRoom()) {
      if (this.sink.bufferedAmount >= IN_FLIGHT_BYTES) return this.#poll();
      this.#sendNext();
    }
  }

  /** As TCP avoids silly windows (RFC 9293, section 3.8.6.2.1): credit in crumbs must not become messages in crumbs. */
  #hasWorthwhileRoom(): boolean {
    const { roomBytes, windowBytes, uncreditedBytes } = this.#credit;
    if (uncreditedBytes === 0) return roomBytes > 0;
    return roomBytes >= Math.min(this.#waitingBytes, INPUT_MESSAGE_BYTES, Math.max(1, windowBytes / 4));
  }

  #sendNext(): void {
    const [next] = this.#waiting;
    if (next === undefined) return;
    const message = head(next, Math.min(INPUT_MESSAGE_BYTES, this.#credit.roomBytes));
    if (message.length === next.length) this.#waiting.shift();
    else this.#waiting[0] = next.subarray(message.length);
    this.#waitingBytes -= message.length;
    this.#credit.sent(message.length);
    this.sink.send(message as Uint8Array<ArrayBuffer>);
  }

  #poll(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, POLL_MS);
  }
}
