// What a viewer who may only look sends: nothing that changes the terminal. With a fake network.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkFacts, Size, Viewers } from "../../src/protocol.ts";
import { Session, type Screen, type SessionEvents, type State } from "../../src/session.ts";
import type { Network } from "../../src/network.ts";
import { bytes, FakeSocket, turns } from "./visitor.ts";

/** A session with a socket that is open. */
async function opened(network: () => Network = () => "online") {
  FakeSocket.all = [];
  globalThis.WebSocket = FakeSocket as unknown as typeof WebSocket;
  const asked: string[] = [];
  globalThis.fetch = async (url) => {
    asked.push(String(url));
    return new Response('{"name":"fake-agent","namespace":"fake"}');
  };
  const seen = { states: [] as State[], links: [] as Array<[string, LinkFacts]>, viewers: [] as Viewers[], shared: [] as Array<Size | undefined>, asked };
  const window: Size = { cols: 80, rows: 24 };
  const screen: Screen = {
    size: () => ({ ...window }),
    reset: () => {},
    share: (size) => void seen.shared.push(size),
    write: (_, drawn) => drawn(),
    settled: async () => {},
  };
  const events: SessionEvents = {
    state: (state) => void seen.states.push(state),
    agent: () => {},
    link: (facts, when) => void seen.links.push([when, facts]),
    viewers: (viewers) => void seen.viewers.push(viewers),
    notice: () => {},
  };
  const at = { info: "http://h/info", terminal: "ws://h/terminal", wake: "http://h/wake" };
  const session = new Session(at, screen, events, network);
  session.start();
  await turns();
  const socket = (FakeSocket.all[0] as FakeSocket).opens();
  return { session, socket, seen, window };
}

const hello = (link: object = {}) => ({ type: "hello", window: 1024, input_window: 8, ...link });

test("who may only look sends no input, no Ctrl-C and no size", async () => {
  const { session, socket, window } = await opened();
  socket.hears(hello({ access: "view" }));
  const before = socket.said.length;
  for (const input of ["ls", "\x03", "\x1b[<0;1;1M"]) assert.equal(session.input(bytes(input)), "taken");
  window.cols = 100;
  session.resize(window);
  session.flush();
  assert.deepEqual(socket.said.slice(before), []);
  socket.close(1000);
});

test("a right that is taken drops what waits, and one that is given says the window's size, on the same connection", async () => {
  const { session, socket, window } = await opened();
  socket.hears(hello({ access: "interact" }));
  session.input(bytes("0123456789")); // eight of them fit the window
  socket.said.length = 0;
  socket.hears({ type: "link", access: "view" });
  session.input(bytes("x"));
  window.rows = 30;
  session.resize(window);
  socket.hears({ type: "credit", bytes: 8 });
  assert.deepEqual(socket.said, []);
  socket.hears({ type: "link", access: "interact", ends_in_ms: 1000 });
  assert.deepEqual(socket.said, ['{"type":"resize","cols":80,"rows":30}']);
  session.input(bytes("y"));
  assert.deepEqual(socket.said.slice(1), ["input y"]);
  assert.equal(FakeSocket.all.length, 1);
  socket.close(1000);
});

test("an older gateway, which says nothing of access, lets its viewer type", async () => {
  const { session, socket, seen } = await opened();
  socket.hears(hello());
  session.input(bytes("ls"));
  assert.equal(socket.said.at(-1), "input ls");
  assert.deepEqual(seen.links, [["opened", { access: "interact", endsInMs: undefined }]]);
  socket.close(1000);
});

test("what the server says of link, viewers and screen is passed on, and a new terminal begins with the window's own size", async () => {
  const { socket, seen } = await opened();
  socket.hears(hello({ ends_in_ms: 90_000 }));
  socket.hears({ type: "viewers", count: 2, typed: " ana\u202e " });
  socket.hears({ type: "viewers", count: 1, typed: null });
  socket.hears({ type: "viewers", count: 0 });
  socket.hears({ type: "screen", cols: 132, rows: 5000 });
  assert.deepEqual(seen.links, [["opened", { access: "interact", endsInMs: 90_000 }]]);
  assert.deepEqual(seen.viewers, [{ count: 2, typed: "ana" }, { count: 1, typed: undefined }]);
  assert.deepEqual(seen.shared, [undefined, { cols: 132, rows: 1000 }]);
  socket.close(1000);
});

test("a page without a network asks nobody until the network or its viewer says so", async (context) => {
  let now: Network = "online";
  const { session, socket, seen } = await opened(() => now);
  socket.hears(hello());
  context.mock.timers.enable({ apis: ["setTimeout"] });
  now = "offline";
  socket.close(1006);
  await turns();
  context.mock.timers.tick(1000);
  assert.deepEqual(seen.states.at(-1), { kind: "waiting", wait: "offline", reason: "", delayMs: 0 });
  context.mock.timers.tick(3_600_000);
  session.retryNow(); // the viewer came back to the page, the network did not
  assert.equal(seen.asked.length, 1);
  session.act(); // the button asks all the same
  await turns();
  assert.equal(seen.asked.length, 2);
  FakeSocket.all[1]?.close(1006);
  await turns();
  context.mock.timers.tick(1000);
  now = "online";
  session.retryNow();
  await turns();
  assert.equal(seen.asked.length, 3);
  FakeSocket.all[2]?.close(1000);
});
