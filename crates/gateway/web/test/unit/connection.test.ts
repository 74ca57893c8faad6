// What one connection says, with a fake socket: input within its credit, control past it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "../../src/connection.ts";
import { Outbox } from "../../src/outbox.ts";
import { Positions } from "../../src/positions.ts";

class FakeSocket extends EventTarget {
  static readonly OPEN = 1;
  static last: FakeSocket;
  readonly readyState = 1;
  readonly bufferedAmount = 0;
  readonly said: Array<string | number> = [];
  binaryType = "";

  constructor() {
    super();
    FakeSocket.last = this;
  }

  /** Text as it is, bytes as their number; a single byte in words. */
  send(data: string | Uint8Array): void {
    if (typeof data === "string") this.said.push(data);
    else this.said.push(data.length === 1 ? `byte ${data[0]}` : data.length);
  }

  close(): void {
    this.dispatchEvent(Object.assign(new Event("close"), { code: 1000, reason: "" }));
  }

  hears(message: object | Uint8Array): void {
    const data = message instanceof Uint8Array ? message.buffer : JSON.stringify(message);
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
}

/** Opened, its first size sent and forgotten. */
function connected(hello: object): { connection: Connection; outbox: Outbox; socket: FakeSocket } {
  globalThis.WebSocket = FakeSocket as unknown as typeof WebSocket;
  const events = { opened: () => {}, message: () => {}, output: (_: Uint8Array, drawn: () => void) => drawn() };
  const outbox = new Outbox();
  const connection = new Connection("ws://h/terminal", { cols: 80, rows: 24 }, { positions: new Positions("v"), outbox }, events);
  const socket = FakeSocket.last;
  socket.dispatchEvent(new Event("open"));
  socket.hears({ type: "hello", window: 2, ...hello });
  socket.said.length = 0;
  return { connection, outbox, socket };
}

const CTRL_C = Uint8Array.of(3);

test("sizes and acknowledgements pass a paste that waits for credit", () => {
  const { connection, outbox, socket } = connected({ input_window: 8 });
  outbox.type(new Uint8Array(100));
  socket.said.length = 0;
  connection.resize({ cols: 81, rows: 24 });
  socket.hears(Uint8Array.of(120));
  assert.deepEqual(socket.said, ['{"type":"resize","cols":81,"rows":24}', '{"type":"ack","bytes":1}']);
  socket.hears({ type: "credit", bytes: 8 });
  assert.deepEqual(socket.said.slice(2), [8]);
  socket.close();
});

test("Ctrl-C overtakes input without credit as an interrupt, and is the ordinary byte when there is none", () => {
  const { outbox, socket } = connected({ input_window: 8 });
  outbox.type(CTRL_C);
  assert.deepEqual(socket.said, ["byte 3"]);
  outbox.type(CTRL_C);
  assert.deepEqual(socket.said, ["byte 3", '{"type":"interrupt"}']);
  socket.hears({ type: "credit", bytes: 1 });
  outbox.type(CTRL_C);
  assert.deepEqual(socket.said.slice(2), ["byte 3"]);
  socket.close();
});

test("a Ctrl-C inside a paste is text", () => {
  const { outbox, socket } = connected({ input_window: 8 });
  outbox.type(Uint8Array.of(65, 3));
  outbox.type(Uint8Array.of(3, 65));
  assert.deepEqual(socket.said, [2, 2]);
  socket.close();
});

test("an older gateway gets Ctrl-C as a byte whatever lies before it", () => {
  const { outbox, socket } = connected({});
  outbox.type(new Uint8Array(100));
  outbox.type(CTRL_C);
  assert.deepEqual(socket.said, [100, "byte 3"]);
  socket.close();
});

test("what waits is dropped with its connection", () => {
  const { outbox, socket } = connected({ input_window: 8 });
  outbox.type(new Uint8Array(100));
  socket.hears({ type: "credit", bytes: 1 }); // room for a byte, which is not worth a message yet
  socket.close();
  socket.said.length = 0;
  socket.hears({ type: "credit", bytes: 7 });
  outbox.flush();
  assert.deepEqual(socket.said, []);
});
