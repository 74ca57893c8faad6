// One WebSocket to the gateway, from opening to close; it knows nothing of what comes before or after it.

import { AckMeter } from "./acks.ts";
import type { Outbox } from "./outbox.ts";
import type { Closed } from "./outcome.ts";
import type { Positions, Start } from "./positions.ts";
import { ackMessage, readServerMessage, resizeMessage, SUBPROTOCOL, type ServerMessage, type Size } from "./protocol.ts";
import { Silence } from "./silence.ts";

/** A socket that is neither open nor refused by then is given up. */
const OPEN_WITHIN_MS = 15_000;
/** A small remainder is acknowledged after this long, so that the gateway's count always comes back to zero. */
const ACK_WITHIN_MS = 1000;
/** What a browser reports of a connection that ended without a close frame (RFC 6455, section 7.4.1). */
const LOST = { code: 1006, reason: "" } as const;

type Hello = Extract<ServerMessage, { type: "hello" }>;

export interface ConnectionEvents {
  /** The terminal is open: comes once, before any output. */
  opened(start: Start): void;
  message(message: ServerMessage): void;
  /** `drawn` is called when the terminal has worked these bytes in. */
  output(bytes: Uint8Array, drawn: () => void): void;
}

/** How far a viewer is, which outlives connections. */
export interface Place {
  positions: Positions;
  outbox: Outbox;
}

export class Connection {
  /** Resolves when the socket is closed, by whomever, or too long silent; never rejects. */
  readonly closed: Promise<Closed>;
  readonly #socket: WebSocket;
  readonly #acks = new AckMeter();
  readonly #listening = new AbortController();
  readonly #silence: Silence;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  #opened = false;
  #exit: string | undefined;
  #size: Size;

  constructor(url: string, size: Size, private readonly place: Place, private readonly events: ConnectionEvents) {
    this.#size = size;
    this.#socket = new WebSocket(url, SUBPROTOCOL);
    this.#socket.binaryType = "arraybuffer";
    const { signal } = this.#listening;
    const deadline = setTimeout(() => this.#socket.close(), OPEN_WITHIN_MS);
    const opened = () => {
      clearTimeout(deadline);
      this.#socket.send(resizeMessage(this.#size, { ...place.positions.join(), ...place.outbox.join() }));
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

  resize(size: Size): void {
    if (size.cols !== this.#size.cols || size.rows !== this.#size.rows) this.announce(size);
  }

  /** Says the size though it may be known: who just became allowed to set it was not heard before. */
  announce(size: Size): void {
    this.#size = size;
    this.#control(resizeMessage(size));
  }

  #receive(data: string | ArrayBuffer): void {
    this.#silence.heard();
    if (typeof data === "string") this.#readControl(data);
    else this.#draw(new Uint8Array(data));
  }

  #readControl(text: string): void {
    const message = readServerMessage(text);
    if (message === undefined) return;
    switch (message.type) {
      case "hello":
        this.#open(message);
        break;
      case "link":
        if (message.link.access === "view") this.place.outbox.withdraw();
        break;
      case "position":
        this.place.positions.at(message.position, message.screenBytes);
        break;
      case "credit":
        this.place.outbox.credit(message.bytes);
        break;
      case "exit":
        this.#exit = message.message;
    }
    this.events.message(message);
  }

  /** What was typed before goes to the terminal that it was typed for, by a viewer who may still type, and otherwise nowhere. */
  #open({ window, inputWindow, silenceMs, link, resume }: Hello): void {
    const { positions, outbox } = this.place;
    this.#acks.setWindow(window);
    this.#silence.watch(silenceMs);
    const start = positions.opened(resume);
    if (start === "anew" || link.access === "view") outbox.withdraw();
    outbox.open(this.#socket, inputWindow, resume?.typed);
    this.#markOpened(start);
  }

  #draw(bytes: Uint8Array): void {
    if (!this.#opened) this.#markOpened(this.place.positions.opened(undefined));
    this.place.positions.received(bytes.length);
    this.events.output(bytes, () => {
      if (this.#acks.drawn(bytes.length) === "now") this.#acknowledge();
      else this.#ackTimer ??= setTimeout(() => this.#acknowledge(), ACK_WITHIN_MS);
    });
  }

  #markOpened(start: Start): void {
    if (this.#opened) return;
    this.#opened = true;
    this.events.opened(start);
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
    this.place.outbox.close();
    this.#socket.close();
  }
}
