// A session on a fake network whose clock stands still: what it said, drew and became.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Network } from "../../src/network.ts";
import type { Join, LinkFacts, Size } from "../../src/protocol.ts";
import { Session, type Screen, type SessionEvents, type State } from "../../src/session.ts";

export class FakeSocket extends EventTarget {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  readonly bufferedAmount = 0;
  readonly said: string[] = [];
  binaryType = "";

  constructor() {
    super();
    FakeSocket.all.push(this);
  }

  send(data: string | Uint8Array): void {
    this.said.push(typeof data === "string" ? data : `input ${new TextDecoder().decode(data)}`);
  }

  opens(): this {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
    return this;
  }

  close(code = 1006, reason = ""): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason }));
  }

  hears(message: object): void {
    this.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify(message) }));
  }

  prints(text: string): void {
    this.dispatchEvent(Object.assign(new Event("message"), { data: bytes(text).buffer }));
  }

  /** The `join` of the first message. */
  get join(): Join {
    const first = JSON.parse(this.said[0] ?? assert.fail("it said nothing")) as { type: string; join: Join };
    assert.equal(first.type, "resize");
    return first.join;
  }
}

export const bytes = (text: string) => new TextEncoder().encode(text);
export const turns = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** The terminals of these tests, by number. */
export const terminal = (number: number) => number.toString(16).padStart(16, "0");
export const hello = (typed: number, more: object = {}) => ({ type: "hello", window: 1024, input_window: 1024, resume: { terminal: terminal(1), typed }, ...more });
/** Of a terminal that cannot be resumed. */
export const plain = { type: "hello", window: 1024, input_window: 1024 };

export class Visitor {
  readonly states: State[] = [];
  readonly links: Array<[string, LinkFacts]> = [];
  /** What the screen was told: `reset`, a size that is shared, or what was written. */
  readonly drawn: string[] = [];
  readonly session: Session;
  network: Network = "online";
  info = () => new Response('{"name":"fake-agent","namespace":"fake"}');
  #nowMs = 1_000_000;

  constructor(private readonly context: TestContext) {
    FakeSocket.all = [];
    globalThis.WebSocket = FakeSocket as unknown as typeof WebSocket;
    globalThis.fetch = async () => this.info();
    context.mock.timers.enable({ apis: ["setTimeout"] });
    context.mock.method(performance, "now", () => this.#nowMs);
    context.mock.method(Math, "random", () => 0.5);
    const screen: Screen = {
      size: () => ({ cols: 80, rows: 24 }),
      reset: () => void this.drawn.push("reset"),
      share: (size: Size | undefined) => void this.drawn.push(size === undefined ? "own size" : `${size.cols}x${size.rows}`),
      write: (written, drawn) => {
        this.drawn.push(new TextDecoder().decode(written));
        drawn();
      },
      settled: async () => {},
    };
    const events: SessionEvents = {
      state: (state) => void this.states.push(state),
      agent: () => {},
      link: (facts, when) => void this.links.push([when, facts]),
      viewers: () => {},
      notice: () => {},
    };
    const at = { info: "http://h/info", terminal: "ws://h/terminal", wake: "http://h/wake" };
    this.session = new Session(at, screen, events, () => this.network);
  }

  /** Comes for the first time, to a terminal that says so. */
  static async at(context: TestContext, message: object): Promise<{ visitor: Visitor; socket: FakeSocket }> {
    const visitor = new Visitor(context);
    visitor.session.start();
    await turns();
    const socket = visitor.socket.opens();
    socket.hears(message);
    return { visitor, socket };
  }

  get socket(): FakeSocket {
    return FakeSocket.all.at(-1) ?? assert.fail("no connection");
  }

  get state(): State {
    return this.states.at(-1) ?? assert.fail("no state");
  }

  type(text: string): "taken" | "refused" {
    return this.session.input(bytes(text));
  }

  async passes(ms: number): Promise<void> {
    this.#nowMs += ms;
    this.context.mock.timers.tick(ms);
    await turns();
  }

  /** The connection ends. */
  async loses(code = 1006): Promise<void> {
    this.socket.close(code);
    await turns();
  }

  /** The next connection, opened as soon as the page tries. */
  async returns(): Promise<FakeSocket> {
    const before = FakeSocket.all.length;
    for (let tries = 0; FakeSocket.all.length === before; tries += 1) {
      if (tries === 100) assert.fail("the page does not come back");
      await this.passes(this.state.kind === "waiting" ? this.state.delayMs : 0);
    }
    return this.socket.opens();
  }
}
