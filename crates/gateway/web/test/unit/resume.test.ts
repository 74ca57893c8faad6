// A terminal that is gone on with after a break: nothing is emptied, and what was typed comes once. With a fake network.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeSocket, hello, plain, terminal, turns, Visitor } from "./visitor.ts";

const inputs = ({ said }: FakeSocket) => said.filter((each) => each.startsWith("input "));
const INTERRUPT = '{"type":"interrupt"}';

test("after a break the screen is as it was, and what had not come and what was typed meanwhile is sent once", async (context) => {
  const { visitor, socket } = await Visitor.at(context, hello(0));
  assert.match(socket.join.viewer, /^[0-9a-f]{32}$/);
  assert.deepEqual(socket.join, { viewer: socket.join.viewer, typed_from: 0, typed_to: 0, interrupts: 0 });
  socket.hears({ type: "position", position: 100, screen_bytes: 4 });
  socket.prints("drawnabc");
  visitor.type("0123");
  socket.hears({ type: "credit", bytes: 2 });
  await visitor.loses();
  visitor.type("4");
  const second = await visitor.returns();
  assert.deepEqual(second.join, { viewer: socket.join.viewer, terminal: terminal(1), drawn: 104, typed_from: 2, typed_to: 4, interrupts: 0 });
  visitor.type("5");
  assert.deepEqual(inputs(second), [], "not before the server says from where on");
  second.hears(hello(3));
  second.hears({ type: "position", position: 104, screen_bytes: 0 });
  second.prints("d");
  visitor.type("6");
  assert.deepEqual(inputs(second), ["input 345", "input 6"]);
  assert.deepEqual(visitor.drawn, ["reset", "own size", "drawnabc", "d"]);
  assert.deepEqual(visitor.state, { kind: "live", start: "resumed" });
  assert.deepEqual(visitor.links.map(([when]) => when), ["opened", "resumed"]);
  await visitor.loses();
  assert.deepEqual((await visitor.returns()).join, { ...second.join, drawn: 105, typed_from: 3, typed_to: 7 });
  await visitor.loses();
});

test("connections that fail before the terminal opens cost nothing", async (context) => {
  const { visitor } = await Visitor.at(context, hello(0));
  visitor.type("ab");
  for (let lost = 0; lost < 5; lost += 1) {
    await visitor.loses();
    visitor.type(String(lost));
    const { join } = await visitor.returns();
    assert.deepEqual([join.typed_from, join.typed_to], [0, 2]);
  }
  await visitor.passes(1500);
  await visitor.loses();
  assert.equal(visitor.session.quietMs, 0, "it is one break");
  await visitor.returns();
  visitor.socket.hears(hello(1));
  assert.deepEqual(inputs(visitor.socket), ["input b01234"]);
  await visitor.loses();
});

const OTHERS: Record<string, object> = {
  "another terminal": hello(7, { resume: { terminal: terminal(2), typed: 7 } }),
  "a terminal that cannot be resumed": plain,
};

for (const [what, message] of Object.entries(OTHERS)) {
  test(`${what} begins with an empty screen, and what waited is typed nowhere`, async (context) => {
    const { visitor, socket } = await Visitor.at(context, hello(0));
    socket.hears({ type: "position", position: 100, screen_bytes: 0 });
    socket.hears({ type: "screen", cols: 100, rows: 30 });
    visitor.type("sent");
    await visitor.loses();
    for (const text of ["\x03", "waits"]) visitor.type(text);
    const second = await visitor.returns();
    for (const text of ["\x03", "waits too"]) visitor.type(text);
    second.hears(message);
    visitor.type("new");
    assert.deepEqual(second.said.slice(1), ["input new"]);
    assert.deepEqual(visitor.drawn.slice(-2), ["reset", "own size"]);
    assert.deepEqual(visitor.state, { kind: "live", start: "anew" });
    await visitor.loses();
  });
}

test("of another terminal the positions begin anew, and interrupts are counted on", async (context) => {
  const { visitor } = await Visitor.at(context, hello(0));
  visitor.type("a");
  visitor.type("\x03");
  await visitor.loses();
  const second = await visitor.returns();
  second.hears(OTHERS["another terminal"] as object);
  visitor.type("bc");
  await visitor.loses();
  const { viewer, ...join } = (await visitor.returns()).join;
  assert.deepEqual(join, { terminal: terminal(2), typed_from: 7, typed_to: 9, interrupts: 1 });
  await visitor.loses();
});

test("without a terminal that can be resumed nothing is kept, as ever", async (context) => {
  const { visitor } = await Visitor.at(context, plain);
  visitor.type("sent");
  await visitor.loses();
  assert.ok(!visitor.session.takesInput && visitor.session.quietMs === 0);
  assert.equal(visitor.type("typed in the break"), "taken");
  const second = await visitor.returns();
  second.hears(hello(0));
  assert.deepEqual(inputs(second), []);
  assert.deepEqual(visitor.state, { kind: "live", start: "anew" });
  await visitor.loses();
});

test("what is typed is kept for a minute after the break began, and what was kept is still sent later", async (context) => {
  const { visitor } = await Visitor.at(context, hello(0));
  await visitor.loses();
  visitor.info = () => new Response("", { status: 502 });
  await visitor.passes(60_000);
  visitor.type("kept");
  await visitor.passes(1);
  assert.ok(!visitor.session.takesInput);
  visitor.type("dropped");
  visitor.info = () => new Response("{}");
  const second = await visitor.returns();
  second.hears(hello(0));
  assert.deepEqual(inputs(second), ["input kept"]);
  await visitor.loses();
});

test("64 KiB of a break are kept beside what waited, and nothing after what was refused but Ctrl-C", async (context) => {
  const { visitor } = await Visitor.at(context, hello(0));
  visitor.type("x".repeat(100_000));
  await visitor.loses();
  assert.equal(visitor.type("y".repeat(64 * 1024 + 1)), "refused");
  assert.equal(visitor.type("z"), "refused", "the program would read it without what came before");
  assert.equal(visitor.type("\x03"), "taken");
  assert.equal(visitor.type("y".repeat(64 * 1024)), "taken");
  assert.equal(visitor.type("z"), "refused");
  const second = await visitor.returns();
  assert.deepEqual([second.join.typed_from, second.join.typed_to, second.join.interrupts], [1024, 1024, 1]);
  second.hears(hello(1024, { input_window: 100_000 }));
  assert.equal(inputs(second).join("").replaceAll("input ", ""), "y".repeat(64 * 1024));
  await visitor.loses();
});

test("Ctrl-C in a break drops what waits and is told when one comes back, once; with nothing to drop it is typed", async (context) => {
  const { visitor } = await Visitor.at(context, hello(0));
  visitor.type("sent");
  await visitor.loses();
  visitor.type(" and typed");
  for (const text of ["\x03", "\x03", "after"]) visitor.type(text);
  const second = await visitor.returns();
  assert.deepEqual([second.join.typed_from, second.join.typed_to, second.join.interrupts], [4, 4, 1]);
  second.hears(hello(4));
  assert.deepEqual(second.said.slice(1), ["input \x03after"]);
  await visitor.loses();
});

test("Ctrl-C after one said where one is, and before the terminal opens, is said when it does", async (context) => {
  const { visitor } = await Visitor.at(context, hello(0));
  visitor.type("sent");
  await visitor.loses();
  const second = await visitor.returns();
  for (const text of ["more", "\x03", "after"]) visitor.type(text);
  second.hears(hello(1)); // three bytes had not come
  assert.deepEqual(second.said.slice(1), [INTERRUPT, "input after"]);
  await visitor.loses();
  const third = await visitor.returns();
  assert.deepEqual([third.join.typed_from, third.join.typed_to, third.join.interrupts], [1, 6, 1]);
  third.hears(hello(6));
  assert.deepEqual(third.said.slice(1), []);
  visitor.type("typed");
  await visitor.loses();
  const fourth = await visitor.returns();
  visitor.type("\x03");
  fourth.hears(hello(11));
  fourth.hears({ type: "link", access: "view" });
  await visitor.loses();
  assert.equal((await visitor.returns()).join.interrupts, 2, "what was said stays said");
  await visitor.loses();
});

test("who may only look types nothing, in a break neither, and has nothing to type again", async (context) => {
  const { visitor, socket } = await Visitor.at(context, hello(0));
  visitor.type("sent");
  socket.hears({ type: "link", access: "view" });
  await visitor.loses();
  visitor.type("typed");
  const second = await visitor.returns();
  assert.deepEqual([second.join.typed_from, second.join.typed_to], [4, 4]);
  second.hears(hello(4, { access: "view" }));
  visitor.type("typed");
  second.hears({ type: "link", access: "interact" });
  visitor.type("x");
  assert.deepEqual(second.said.slice(1), ['{"type":"resize","cols":80,"rows":24}', "input x"]);
  second.hears({ type: "link", access: "view" });
  await visitor.loses();
  visitor.type("typed");
  const third = await visitor.returns();
  third.hears(hello(5, { access: "interact" }));
  assert.deepEqual(third.said.slice(1), [], "the right came after it");
  await visitor.loses();
});

test("a right that was taken in the break leaves nothing to type, and one that was given says no size twice", async (context) => {
  const { visitor } = await Visitor.at(context, hello(0));
  visitor.type("sent");
  await visitor.loses();
  visitor.type("typed");
  const second = await visitor.returns();
  second.hears(hello(2, { access: "view" }));
  assert.deepEqual(second.said.length, 1);
  await visitor.loses();
  const third = await visitor.returns();
  third.hears(hello(2));
  visitor.type("x");
  assert.deepEqual(third.said.slice(1), ["input x"]);
  await visitor.loses();
});

test("an end, or an agent that falls asleep, leaves nothing to type", async (context) => {
  const { visitor } = await Visitor.at(context, hello(0));
  visitor.type("sent");
  await visitor.loses(1000);
  visitor.type("typed");
  visitor.session.act();
  await turns();
  const second = visitor.socket.opens();
  assert.deepEqual([second.join.typed_from, second.join.typed_to], [4, 4]);
  second.hears(hello(4));
  visitor.type("more");
  visitor.info = () => new Response('{"reason":"Asleep"}', { status: 503 });
  await visitor.loses(1013);
  await visitor.passes(1000);
  assert.ok(visitor.state.kind === "waiting" && visitor.state.wait === "asleep" && !visitor.session.takesInput);
  visitor.info = () => new Response("{}");
  const third = await visitor.returns();
  third.hears(hello(8));
  assert.deepEqual(third.said.slice(1), []);
  await visitor.loses();
});

test("half a drawn screen was not drawn, and a shared size is kept", async (context) => {
  const { visitor, socket } = await Visitor.at(context, hello(0));
  socket.hears({ type: "position", position: 100, screen_bytes: 10 });
  socket.hears({ type: "screen", cols: 100, rows: 30 });
  socket.prints("nine byte");
  await visitor.loses();
  const second = await visitor.returns();
  assert.equal(second.join.drawn, undefined);
  assert.equal(second.join.terminal, terminal(1));
  second.hears(hello(0));
  await visitor.loses();
  const third = await visitor.returns();
  assert.equal(third.join.drawn, undefined, "the screen is still half");
  third.hears(hello(0));
  third.hears({ type: "position", position: 110, screen_bytes: 3 });
  third.prints("all+1");
  await visitor.loses();
  assert.equal((await visitor.returns()).join.drawn, 112);
  assert.deepEqual(visitor.drawn, ["reset", "own size", "100x30", "nine byte", "all+1"]);
  await visitor.loses();
});
