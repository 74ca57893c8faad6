// Input credit: what is sent, what waits, and what Ctrl-C does to both.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { MAX_WAITING_BYTES, Outbox } from "../../src/outbox.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const WINDOW = 64 * KIB;
const bytes = (text: string) => new TextEncoder().encode(text);

/** An open socket that remembers what it was given and sends it at once. */
function fakeSocket() {
  const sent: Uint8Array[] = [];
  const said: string[] = [];
  return {
    sent,
    said,
    readyState: 1 as const,
    bufferedAmount: 0,
    send: (data: unknown) => void (typeof data === "string" ? said.push(data) : sent.push(data as Uint8Array)),
    total: () => sent.reduce((sum, { length }) => sum + length, 0),
    sizes: () => sent.map(({ length }) => length),
    joined: () => Buffer.concat(sent),
  };
}

/** An outbox as after `hello`. */
function opened(windowBytes: number | "older gateway" = WINDOW) {
  const socket = fakeSocket();
  const outbox = new Outbox();
  outbox.open(socket, windowBytes === "older gateway" ? undefined : windowBytes);
  return { socket, outbox };
}

test("nothing is sent before hello, and nothing of it is lost", () => {
  const socket = fakeSocket();
  const outbox = new Outbox();
  outbox.push(bytes("early"));
  assert.equal(socket.total(), 0);
  outbox.open(socket, WINDOW);
  assert.equal(socket.joined().toString(), "early");
});

test("8 MiB follow the credit: whole, in order, in messages of 16 KiB, never more than the window uncredited", () => {
  const { socket, outbox } = opened();
  const paste = bytes("0123456789abcde漢".repeat((8 * MIB) / 18));
  assert.equal(outbox.push(paste), "taken");
  const grants = [1, 4095, 4096, 10_000, WINDOW];
  for (let round = 0, credited = 0; socket.total() < paste.length; round++) {
    const grant = Math.min(grants[round % grants.length] ?? 1, socket.total() - credited);
    outbox.credit(grant);
    credited += grant;
    assert.ok(socket.total() - credited <= WINDOW);
  }
  assert.ok(socket.sent.every(({ length }) => length <= 16 * KIB));
  assert.ok(socket.joined().equals(paste));
});

test("credit in crumbs does not become messages in crumbs, and the last of a paste needs no full message", () => {
  const { socket, outbox } = opened();
  outbox.push(new Uint8Array(WINDOW + 20 * KIB));
  for (let credited = 0; credited < 16 * KIB; credited++) outbox.credit(1);
  assert.deepEqual(socket.sizes(), Array(5).fill(16 * KIB));
  outbox.credit(4 * KIB - 1);
  assert.equal(socket.sent.length, 5);
  outbox.credit(1);
  assert.equal(socket.sizes().at(-1), 4 * KIB);
});

test("input that waits in small pieces shares a message", () => {
  const { socket, outbox } = opened();
  outbox.push(new Uint8Array(WINDOW));
  for (let report = 0; report < 5000; report++) outbox.push(bytes("\x1b[<35;1;1M"));
  outbox.credit(WINDOW);
  assert.deepEqual(socket.sizes().slice(4), [16_380, 16_380, 16_380, 860]);
  assert.equal(socket.joined().subarray(WINDOW).toString(), "\x1b[<35;1;1M".repeat(5000));
});

test("a character stays whole in its message, unless the window itself is smaller", () => {
  const whole = opened(10);
  whole.outbox.push(bytes("漢漢漢漢"));
  assert.deepEqual(whole.socket.sizes(), [9]);
  const tiny = opened(2);
  tiny.outbox.push(bytes("🙂"));
  tiny.outbox.credit(2);
  assert.equal(tiny.socket.joined().toString(), "🙂");
});

test("credit for more than was sent does not widen the window", () => {
  const { socket, outbox } = opened();
  outbox.push(bytes("x"));
  outbox.credit(10 * WINDOW);
  outbox.push(new Uint8Array(3 * WINDOW));
  assert.equal(socket.total(), 1 + WINDOW);
});

test("Ctrl-C drops what waits, and counts what was sent until it is credited", () => {
  const { socket, outbox } = opened();
  outbox.push(new Uint8Array(MIB));
  assert.equal(outbox.interrupt(), "pending");
  outbox.push(bytes("after"));
  assert.equal(socket.total(), WINDOW, "the window is still full");
  assert.equal(outbox.interrupt(), "pending");
  outbox.credit(WINDOW);
  assert.equal(socket.total(), WINDOW, "nothing is left of the paste");
  assert.equal(outbox.interrupt(), "idle");
});

test("Ctrl-C overtakes a single typed character that the program has not taken", () => {
  const { outbox } = opened();
  outbox.push(bytes("x"));
  assert.equal(outbox.interrupt(), "pending");
  outbox.credit(1);
  assert.equal(outbox.interrupt(), "idle");
});

test("16 MiB may wait, and more is refused whole", () => {
  const { socket, outbox } = opened();
  outbox.push(new Uint8Array(WINDOW));
  assert.equal(outbox.push(new Uint8Array(16 * MIB)), "taken");
  assert.equal(outbox.push(Uint8Array.of(1)), "refused");
  assert.equal(MAX_WAITING_BYTES, 16 * MIB);
  outbox.credit(WINDOW);
  assert.equal(socket.total(), 2 * WINDOW);
  assert.equal(outbox.push(Uint8Array.of(1)), "taken");
});

test("a page that is being left sends what credit allows, down to the last byte of room", () => {
  const { socket, outbox } = opened();
  outbox.push(new Uint8Array(MIB));
  outbox.credit(1000);
  assert.equal(socket.total(), WINDOW);
  outbox.flush();
  assert.equal(socket.total(), WINDOW + 1000);
});

test("for an older gateway input waits only while the browser's own buffer is full, and Ctrl-C is a byte", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const { socket, outbox } = opened("older gateway");
    socket.bufferedAmount = MIB;
    outbox.push(new Uint8Array(100_000).fill(1));
    outbox.push(Uint8Array.of(2));
    mock.timers.tick(20);
    assert.equal(socket.total(), 0);
    socket.bufferedAmount = 0;
    mock.timers.tick(20);
    assert.equal(socket.total(), 100_001);
    assert.equal(socket.joined().at(-1), 2);
    socket.bufferedAmount = MIB;
    outbox.push(new Uint8Array(100_000));
    assert.equal(outbox.interrupt(), "idle");
    socket.bufferedAmount = 0;
    mock.timers.tick(20);
    assert.equal(socket.total(), 100_001, "what waited was dropped");
  } finally {
    mock.timers.reset();
  }
});
