// Sends input in order, never more than the program's credit allows: backpressure of a large paste ends here, in the page. It
// outlives connections: what a break took from a terminal that can be resumed is sent again.

import { InputCredit } from "./credit.ts";
import { INPUT_MESSAGE_BYTES, interruptMessage } from "./protocol.ts";
import { Typed, type TypedSoFar } from "./typed.ts";

/** More than this is not handed to the browser at a time, in bytes: control messages never wait behind more. */
const IN_FLIGHT_BYTES = 64 * 1024;
/** The most input that may wait, in bytes. */
export const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** The most that is kept of what is typed in a break, in bytes. */
export const MAX_BREAK_BYTES = 64 * 1024;
/** There is no event for a drained socket, so it is polled, in milliseconds. */
const POLL_MS = 20;

export type Sink = Pick<WebSocket, "send" | "bufferedAmount" | "readyState">;

/** Whether input was on its way to the program when the outbox was emptied. */
export type Before = "idle" | "pending";

const OPEN = 1;

export class Outbox {
  readonly #typed = new Typed();
  /** Undefined while there is no terminal. */
  #sink: Sink | undefined;
  #credit = new InputCredit();
  #mostWaiting = MAX_WAITING_BYTES;
  /** Something typed in this break was not kept: nothing that follows may be, or the program would read it without. */
  #isFull = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** How far one is, for the first message of a connection. */
  join(): TypedSoFar {
    return this.#typed.join();
  }

  /**
   * The terminal is open: nothing is sent before. `windowBytes`: undefined for an older gateway that knows no window. `from`:
   * the position of what it has not taken yet; undefined where it cannot be resumed.
   */
  open(sink: Sink, windowBytes: number | undefined, from?: number): void {
    this.#sink = sink;
    this.#credit = new InputCredit();
    this.#credit.open(windowBytes);
    this.#mostWaiting = MAX_WAITING_BYTES;
    this.#isFull = false;
    for (let untold = this.#typed.open(from); untold > 0; untold -= 1) sink.send(interruptMessage());
    this.#pump();
  }

  /** The connection is gone. */
  close(): void {
    this.#stopPolling();
    this.#typed.close();
    if (this.#sink === undefined) return;
    this.#sink = undefined;
    this.#credit = new InputCredit();
    this.#mostWaiting = this.#typed.waitingBytes + MAX_BREAK_BYTES;
  }

  /** The program took so many bytes, or an interrupt dropped them. */
  credit(bytes: number): void {
    this.#credit.granted(bytes);
    this.#typed.credited(this.#credit.uncreditedBytes);
    this.#pump();
  }

  /** Ctrl-C overtakes what was typed before it, here and on the way; with nothing to overtake it is a byte like any other. */
  type(bytes: Uint8Array): "taken" | "refused" {
    return isCtrlC(bytes) && this.interrupt() === "pending" ? "taken" : this.push(bytes);
  }

  /** Takes all of it or, when too much waits already, nothing. */
  push(bytes: Uint8Array): "taken" | "refused" {
    if (this.#isFull || this.#typed.waitingBytes + bytes.length > this.#mostWaiting) {
      this.#isFull = this.#sink === undefined;
      return "refused";
    }
    this.#typed.push(bytes);
    this.#pump();
    return "taken";
  }

  /**
   * Drops what waits, for Ctrl-C, and says so where something was `pending`. What was sent stays counted until it is credited.
   * `idle` always for an older gateway.
   */
  interrupt(): Before {
    const pending = this.#typed.waitingBytes > 0 || this.#credit.uncreditedBytes > 0;
    this.#forget();
    if (!pending || !this.#credit.isBounded) {
      this.#typed.drop();
      return "idle";
    }
    if (this.#typed.interrupt() === "now" && this.#sink?.readyState === OPEN) this.#sink.send(interruptMessage());
    return "pending";
  }

  /** Sends at once all that credit allows: the page is about to be hidden or closed, and timers may not run any more. */
  flush(): void {
    while (this.#sink?.readyState === OPEN && this.#credit.roomBytes > 0 && this.#sendNext(this.#sink));
  }

  /** Drops what was typed and has not come: its viewer may no longer type, or the terminal is over. */
  withdraw(): void {
    this.#forget();
    this.#typed.withdraw();
  }

  /** What waits is about to be dropped, so there is room. */
  #forget(): void {
    this.#stopPolling();
    this.#isFull = false;
    if (this.#sink === undefined) this.#mostWaiting = MAX_BREAK_BYTES;
  }

  #pump(): void {
    while (this.#sink?.readyState === OPEN && this.#hasWorthwhileRoom()) {
      if (this.#sink.bufferedAmount >= IN_FLIGHT_BYTES) return this.#poll();
      if (!this.#sendNext(this.#sink)) return;
    }
  }

  /** As TCP avoids silly windows (RFC 9293, section 3.8.6.2.1): credit in crumbs must not become messages in crumbs. */
  #hasWorthwhileRoom(): boolean {
    const { roomBytes, windowBytes, uncreditedBytes } = this.#credit;
    const { waitingBytes } = this.#typed;
    if (waitingBytes === 0) return false;
    if (uncreditedBytes === 0) return roomBytes > 0;
    return roomBytes >= Math.min(waitingBytes, INPUT_MESSAGE_BYTES, Math.max(1, windowBytes / 4));
  }

  /** Whether there was something to send. */
  #sendNext(sink: Sink): boolean {
    const message = this.#typed.next(Math.min(INPUT_MESSAGE_BYTES, this.#credit.roomBytes));
    if (message === undefined) return false;
    this.#credit.sent(message.length);
    sink.send(message as Uint8Array<ArrayBuffer>);
    return true;
  }

  #poll(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, POLL_MS);
  }

  #stopPolling(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

const CTRL_C = 0x03;

/** As the terminal sends a pressed Ctrl-C; one inside a paste is text. */
function isCtrlC(bytes: Uint8Array): boolean {
  return bytes.length === 1 && bytes[0] === CTRL_C;
}
