// One WebSocket to the gateway, from opening to close; it knows nothing of what comes before or after it.

import { AckMeter } from "./acks.ts";
import { Outbox } from "./outbox.ts";
import type { Closed } from "./outcome.ts";
import { ackMessage, interruptMessage, readServerMessage, resizeMessage, SUBPROTOCOL, type ServerMessage, type Size } from "./protocol.ts";
import { Silence } from "./silence.ts";

/** A socket that is neither open nor refused by then is given up. */
const OPEN_WITHIN_MS = 15_000;
/** A small remainder is acknowledged after this long, so that the gateway's count always comes back to zero. */
const ACK_WITHIN_MS = 1000;
/** What a browser reports of a connection that ended without a close frame (RFC 6455, section 7.4.1). */
const LOST = { code: 1006, reason: "" } as const;

export interface ConnectionEvents {
  /** The terminal is open: comes once, before any output. */
  opened(): void;
  message(message: ServerMessage): void;
  /** `drawn` is called when the terminal has worked these bytes in. */
  output(bytes: Uint8Array, drawn: () => void): void;
}

export class Connection {
  /** Resolves when the socket is closed, by whomever, or too long silent; never rejects. */
  readonly closed: Promise<Closed>;
  readonly #socket: WebSocket;
  readonly #outbox: Outbox;
  readonly #acks = new AckMeter();
  readonly #listening = new AbortController();
  readonly #silence: Silence;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  #opened = false;
  #exit: string | undefined;
  #size: Size;

  constructor(url: string, size: Size, private readonly events: ConnectionEvents) {
    this.#size = size;
    this.#socket = new WebSocket(url, SUBPROTOCOL);
    this.#socket.binaryType = "arraybuffer";
    this.#outbox = new Outbox(this.#socket);
    const { signal } = this.#listening;
    const deadline = setTimeout(() => this.#socket.close(), OPEN_WITHIN_MS);
    const opened = () => {
      clearTimeout(deadline);
      this.#socket.send(resizeMessage(this.#size));
    };
    this.#socket.addEventListener("open", opened, { signal });
    this.#socket.addEventListener("message", (event: MessageEvent<string | ArrayBuffer>) => this.#receive(event.data), { signal });
    let end: (closed: { code: number; reason: string }) => void = () => {};
    this.closed = new Promise((resolve) => {
      end = ({ code, reason }) => {
        clearTimeout(deadline);
        this.#stop();
        resolve({ code, reason, exit: this.#exit });
      };
    });
    this.#socket.addEventListener("close", (event) => end(event), { signal });
    this.#silence = new Silence(() => end(LOST));
  }

  /** Ctrl-C overtakes what was typed before it, here and on the way; with nothing to overtake it is a byte like any other. */
  input(bytes: Uint8Array): "taken" | "refused" {
    if (isCtrlC(bytes) && this.#outbox.interrupt() === "pending") {
      this.#control(interruptMessage());
      return "taken";
    }
    return this.#outbox.push(bytes);
  }

  resize(size: Size): void {
    if (size.cols !== this.#size.cols || size.rows !== this.#size.rows) this.announce(size);
  }

  /** Says the size though it may be known: who just became allowed to set it was not heard before. */
  announce(size: Size): void {
    this.#size = size;
    this.#control(resizeMessage(size));
  }

  /** Drops input that was not sent yet: its viewer may no longer type. */
  withdraw(): void {
    this.#outbox.clear();
  }

  /** Sends at once what credit allows: the page is about to be hidden or closed. */
  flush(): void {
    this.#outbox.flush();
  }

  #receive(data: string | ArrayBuffer): void {
    this.#silence.heard();
    if (typeof data === "string") this.#readControl(data);
    else this.#draw(new Uint8Array(data));
  }

  #readControl(text: string): void {
    const message = readServerMessage(text);
    if (message === undefined) return;
    if (message.type === "hello") {
      this.#acks.setWindow(message.window);
      this.#silence.watch(message.silenceMs);
      this.#outbox.open(message.inputWindow);
      this.#markOpened();
    }
    if (message.type === "credit") this.#outbox.credit(message.bytes);
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

  /** Nothing of this connection reaches the terminal from here on, not even of a network that comes back. */
  #stop(): void {
    this.#listening.abort();
    this.#silence.stop();
    clearTimeout(this.#ackTimer);
    this.#outbox.clear();
    this.#socket.close();
  }
}

const CTRL_C = 0x03;

/** As the terminal sends a pressed Ctrl-C; one inside a paste is text. */
function isCtrlC(bytes: Uint8Array): boolean {
  return bytes.length === 1 && bytes[0] === CTRL_C;
}
