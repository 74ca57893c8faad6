// Breaks at any point of a terminal that can be resumed: what is typed comes once and in order, and so does what is drawn. The
// server takes any beginning of what was sent, and forgets the rest.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "../../src/connection.ts";
import { Outbox } from "../../src/outbox.ts";
import { Positions, type Start } from "../../src/positions.ts";
import type { Join } from "../../src/protocol.ts";

const TERMINAL = "00000000000000aa";
const WINDOW_BYTES = 64;
const SEEDS = 400;
const STEPS = 200;

/** Whole numbers from 0 up to what it is called with, always the same of one seed (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Sent = Uint8Array | "interrupt";

class FakeSocket extends EventTarget {
  static readonly OPEN = 1;
  static last: FakeSocket;
  readyState = 0;
  readonly bufferedAmount = 0;
  readonly sent: Sent[] = [];
  join: Join | undefined;
  binaryType = "";

  constructor() {
    super();
    FakeSocket.last = this;
  }

  send(data: string | Uint8Array): void {
    if (typeof data !== "string") return void this.sent.push(data);
    const message = JSON.parse(data) as { type: string; join?: Join };
    if (message.type === "interrupt") this.sent.push("interrupt");
    else if (message.type === "resize") this.join = message.join;
  }

  opens(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }

  close(): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code: 1006, reason: "" }));
  }

  hears(data: object | Uint8Array): void {
    this.dispatchEvent(Object.assign(new Event("message"), { data: data instanceof Uint8Array ? data.buffer : JSON.stringify(data) }));
  }
}

/** The program's terminal, and all that is between. */
class Server {
  readonly output: number[] = [];
  /** What the program read after each interrupt, by its number. */
  readonly read = new Map<number, number[]>([[0, []]]);
  interrupts = 0;
  #position = 0;
  #isKnown = false;
  #socket: FakeSocket | undefined;
  #interruptsSaid = 0;
  #uncredited = 0;
  /** The position from which output follows; undefined where a screen is drawn first. */
  #from: number | undefined;
  /** Bytes of a screen, which come before the output from `#next` on. */
  #screen: number[] = [];
  #next = 0;

  constructor(private readonly random: (below: number) => number) {}

  /** Who comes again leaves what former connections did not bring. A page that is right never makes the server choose. */
  joined(socket: FakeSocket, shown: number[] | undefined): void {
    const { terminal, drawn, typed_from, typed_to, interrupts } = socket.join ?? assert.fail("no join");
    assert.equal(terminal, this.#isKnown ? TERMINAL : undefined);
    assert.equal(drawn, shown?.length, "half a screen is none");
    this.#socket = socket;
    this.#uncredited = 0;
    this.#interruptsSaid = interrupts;
    const isInterrupted = this.#interrupt(interrupts);
    if (!isInterrupted) assert.ok(typed_from <= this.#position, `from ${typed_from}, and ${this.#position} was read`);
    assert.ok(this.#position <= typed_to, `to ${typed_to}, and ${this.#position} was read`);
    this.#position = Math.max(this.#position, typed_from);
    this.#from = this.random(4) === 0 ? undefined : drawn;
  }

  says(): void {
    this.#isKnown = true;
    this.#hears({ type: "hello", input_window: WINDOW_BYTES, resume: { terminal: TERMINAL, typed: this.#position } });
  }

  /** Where the output is; what was not printed yet is left out for a drawn screen. */
  begins(): void {
    this.#next = this.#from ?? this.output.length;
    this.#screen = this.#from === undefined ? Array.from({ length: this.random(8) }, () => this.random(256)) : [];
    this.#hears({ type: "position", position: this.#next, screen_bytes: this.#screen.length });
    this.#from = undefined;
  }

  prints(): void {
    const waiting = [...this.#screen, ...this.output.slice(this.#next)];
    const printed = waiting.slice(0, 1 + this.random(12));
    const ofScreen = Math.min(printed.length, this.#screen.length);
    this.#screen.splice(0, ofScreen);
    this.#next += printed.length - ofScreen;
    if (printed.length > 0) this.#hears(Uint8Array.from(printed));
  }

  /** Takes a beginning of what lies on the way. */
  takes(): void {
    const sent = this.#socket?.sent ?? [];
    const [first] = sent;
    if (first === undefined) return;
    if (first === "interrupt") {
      sent.shift();
      this.#interruptsSaid += 1;
      this.#interrupt(this.#interruptsSaid);
      return;
    }
    const bytes = first.subarray(0, 1 + this.random(first.length));
    if (bytes.length === first.length) sent.shift();
    else sent[0] = first.subarray(bytes.length);
    this.read.get(this.interrupts)?.push(...bytes);
    this.#pass(bytes.length);
  }

  /** An interrupt on the way goes before what was typed before it, and drops that. */
  overtakes(): void {
    const sent = this.#socket?.sent ?? [];
    const before = sent.splice(0, Math.max(0, sent.indexOf("interrupt")));
    for (const each of before) this.#pass(each.length);
    this.takes();
  }

  credits(): void {
    const bytes = this.random(this.#uncredited + 1);
    this.#uncredited -= bytes;
    this.#hears({ type: "credit", bytes });
  }

  get isIdle(): boolean {
    return this.#socket?.sent.length === 0 && this.#uncredited === 0 && this.#screen.length === 0 && this.#next === this.output.length;
  }

  #hears(data: object | Uint8Array): void {
    this.#socket?.hears(data);
  }

  #pass(bytes: number): void {
    this.#position += bytes;
    this.#uncredited += bytes;
  }

  #interrupt(number: number): boolean {
    if (number <= this.interrupts) return false;
    this.interrupts = number;
    this.read.set(number, []);
    return true;
  }
}

/** One page, from its first connection to the last. */
class Page {
  /** What was typed after each Ctrl-C that overtook something. */
  readonly typed: number[][] = [[]];
  /** The output that the screen shows; undefined while it shows half a drawn one. */
  shown: number[] | undefined;
  readonly starts: Start[] = [];
  readonly #place = { positions: new Positions("0".repeat(32)), outbox: new Outbox() };
  #position = 0;
  #screenBytes = 0;

  constructor(private readonly output: number[]) {}

  connects(): FakeSocket {
    new Connection("ws://h/terminal", { cols: 80, rows: 24 }, this.#place, {
      opened: (start) => void this.starts.push(start),
      message: (message) => message.type === "position" && this.#redraws(message.position, message.screenBytes),
      output: (bytes) => bytes.forEach((byte) => this.#draws(byte)),
    });
    return FakeSocket.last;
  }

  /** A drawn screen stands for all of the output before it. */
  #redraws(position: number, screenBytes: number): void {
    this.#position = position;
    this.#screenBytes = screenBytes;
    this.shown = screenBytes > 0 ? undefined : this.output.slice(0, position);
  }

  #draws(byte: number): void {
    if (this.#screenBytes === 0) return void this.shown?.push(byte);
    this.#screenBytes -= 1;
    if (this.#screenBytes === 0) this.shown = this.output.slice(0, this.#position);
  }

  types(bytes: number[]): void {
    assert.equal(this.#place.outbox.push(Uint8Array.from(bytes)), "taken");
    this.typed.at(-1)?.push(...bytes);
  }

  pressesCtrlC(): void {
    if (this.#place.outbox.interrupt() === "pending") this.typed.push([]);
    else this.types([3]);
  }
}

/** How far a connection has come. */
type Phase = "none" | "connecting" | "joined" | "greeted" | "begun";

function live(seed: number): void {
  const below = random(seed);
  const server = new Server(below);
  const page = new Page(server.output);
  const some = (most: number) => Array.from({ length: 1 + below(most) }, () => below(256));
  let phase: Phase = "none";
  let socket: FakeSocket | undefined;
  const advance = () => {
    if (phase === "none") {
      socket = page.connects();
      phase = "connecting";
    } else if (phase === "connecting") {
      socket?.opens();
      if (socket) server.joined(socket, page.shown);
      phase = "joined";
    } else if (phase === "joined") {
      server.says();
      phase = "greeted";
    } else if (phase === "greeted") {
      server.begins();
      phase = "begun";
    }
  };
  const breaks = () => {
    socket?.close();
    phase = "none";
  };
  const acts: Array<() => void> = [
    () => void (page.starts.length > 0 && page.types(some(below(8) === 0 ? 3 * WINDOW_BYTES : 5))),
    () => void (page.starts.length > 0 && below(4) === 0 && page.pressesCtrlC()),
    () => void server.output.push(...some(20)),
    () => void (phase === "begun" && server.prints()),
    // What was sent before a break may still come until its page is back.
    () => server.takes(),
    () => void (below(3) === 0 && server.overtakes()),
    () => void ((phase === "greeted" || phase === "begun") && server.credits()),
    () => void (phase === "begun" && below(10) === 0 && server.begins()),
    () => void (below(4) === 0 && breaks()),
    advance,
    advance,
  ];
  for (let step = 0; step < STEPS; step += 1) acts[below(acts.length)]?.();
  for (const _ of ["connecting", "joined", "greeted", "begun"]) advance();
  while (!server.isIdle) for (const act of [server.takes, server.credits, server.prints]) act.call(server);
  breaks();

  assert.deepEqual(page.shown, server.output, "what is drawn");
  assert.deepEqual(page.starts.slice(1).filter((start) => start !== "resumed"), [], "nothing is emptied");
  assert.equal(server.interrupts, page.typed.length - 1, "interrupts");
  for (const [number, typed] of page.typed.entries()) {
    // What an interrupt overtook is a beginning of what was typed before it.
    const read = server.read.get(number) ?? [];
    const isLast = number === page.typed.length - 1;
    assert.deepEqual(read, isLast ? typed : typed.slice(0, read.length), `what is read after interrupt ${number}`);
  }
}

test("whatever breaks, each byte that is typed and each that is drawn comes once and in order, and each interrupt is done once", () => {
  globalThis.WebSocket = FakeSocket as unknown as typeof WebSocket;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    try {
      live(seed);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});
