// One WebSocket to the gateway, from opening to close; it knows nothing of what comes before or after it.

import { AckMeter } from "./acks.ts";
import { Outbox } from "./outbox.ts";
import type { Closed } from "./outcome.ts";
import { ackMessage, readServerMessage, resizeMessage, SUBPROTOCOL, type ServerMessage, type Size } from "./protocol.ts";

/** A socket that is neither open nor refused by then is given up. */
const OPEN_WITHIN_MS = 15_000;
/** A small remainder is acknowledged after this long, so that the gateway's count always comes back to zero. */
const ACK_WITHIN_MS = 50;

export interface ConnectionEvents {
  /** The terminal is open: comes once, before any output. */
  opened(): void;
  message(message: ServerMessage): void;
  /** `drawn` is called when the terminal has worked these bytes in. */
  output(bytes: Uint8Array, drawn: () => void): void;
}

export class Connection {
  /** Resolves when the socket is closed, by whomever; never rejects. */
  readonly closed: Promise<Closed>;
  readonly #socket: WebSocket;
  readonly #outbox: Outbox;
  readonly #acks = new AckMeter();
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  #opened = false;
  #exit: string | undefined;
  #size: Size;

  constructor(url: string, size: Size, private readonly events: ConnectionEvents) {
    this.#size = size;
    this.#socket = new WebSocket(url, SUBPROTOCOL);
    this.#socket.binaryType = "arraybuffer";
    this.#outbox = new Outbox(this.#socket);
    const deadline = setTimeout(() => this.#socket.close(), OPEN_WITHIN_MS);
    this.#socket.addEventListener("open", () => {
      clearTimeout(deadline);
      this.#socket.send(resizeMessage(this.#size));
    });
    this.#socket.addEventListener("message", (event: MessageEvent<string | ArrayBuffer>) => this.#receive(event.data));
    this.closed = new Promise((resolve) => {
      this.#socket.addEventListener("close", ({ code, reason }) => {
        clearTimeout(deadline);
        this.#stop();
        resolve({ code, reason, exit: this.#exit });
      });
    });
  }

  input(bytes: Uint8Array): "taken" | "refused" {
    return this.#outbox.push(bytes);
  }

  resize(size: Size): void {
    if (size.cols === this.#size.cols && size.rows === this.#size.rows) return;
    this.#size = size;
    this.#control(resizeMessage(size));
  }

  #receive(data: string | ArrayBuffer): void {
    if (typeof data === "string") this.#readControl(data);
    else this.#draw(new Uint8Array(data));
  }

  #readControl(text: string): void {
    const message = readServerMessage(text);
    if (message === undefined) return;
    if (message.type === "hello") {
      this.#acks.setWindow(message.window);
      this.#markOpened();
    }
    if (message.type === "exit") this.#exit = message.message;
    this.events.message(message);
  }

  #draw(bytes: Uint8Array): void {
    this.#markOpened();
    this.events.output(bytes, () => {
      if (this.#acks.drawn(bytes.length) === "now") this.#acknowledge();
      else this.#ackTimer ??= setTimeout(() => this.#acknowledge(), ACK_WITHIN_MS);
    });
  }

  #markOpened(): void {
    if (this.#opened) return;
    this.#opened = true;
    this.events.opened();
  }

  #acknowledge(): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    const bytes = this.#acks.take();
    if (bytes > 0) this.#control(ackMessage(bytes));
  }

  /** Control passes the outbox: it never waits behind input. */
  #control(message: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(message);
  }

  #stop(): void {
    clearTimeout(this.#ackTimer);
    this.#outbox.clear();
  }
}
