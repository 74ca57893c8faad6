// Sends input in order and in bounded portions: a large paste waits here and not in the browser's own buffer.

import { chunks } from "./chunks.ts";
import { MAX_MESSAGE_BYTES } from "./protocol.ts";

/** More than this is not handed to the browser at a time, in bytes: control messages never wait behind more. */
const IN_FLIGHT_BYTES = 256 * 1024;
/** The most input that may wait, in bytes. */
export const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** There is no event for a drained socket, so it is looked at. */
const LOOK_AGAIN_MS = 20;

export type Sink = Pick<WebSocket, "send" | "bufferedAmount" | "readyState">;

const OPEN = 1;

export class Outbox {
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly sink: Sink) {}

  /** Takes all of it or, when too much waits already, nothing. */
  push(bytes: Uint8Array): "taken" | "refused" {
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) return "refused";
    for (const chunk of chunks(bytes, MAX_MESSAGE_BYTES)) this.#waiting.push(chunk);
    this.#waitingBytes += bytes.length;
    this.#pump();
    return "taken";
  }

  /** Forgets what waits: after the connection ended. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #pump(): void {
    if (this.#timer !== undefined) return;
    while (this.sink.readyState === OPEN && this.sink.bufferedAmount < IN_FLIGHT_BYTES) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#waitingBytes -= next.length;
      this.sink.send(next as Uint8Array<ArrayBuffer>);
    }
    if (this.#waiting.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, LOOK_AGAIN_MS);
  }
}
