// A break of a terminal that can be resumed: when the page tries again, and what of it takes no room. With a fake network.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeSocket, hello, turns, Visitor } from "./visitor.ts";

const inputs = ({ said }: FakeSocket) => said.filter((each) => each.startsWith("input "));

test("a break is tried at once and each second, and is not said before it lasts", async (context) => {
  const { visitor } = await Visitor.at(context, hello(0));
  visitor.info = () => new Response("", { status: 502 });
  await visitor.loses();
  assert.equal(visitor.session.quietMs, 1500);
  const pauses: number[] = [];
  for (let passed = 0; passed < 60_000; ) {
    if (visitor.state.kind !== "waiting") assert.fail(visitor.state.kind);
    pauses.push(visitor.state.delayMs);
    passed += visitor.state.delayMs;
    await visitor.passes(visitor.state.delayMs);
    assert.equal(visitor.session.quietMs, Math.max(0, 1500 - passed));
  }
  assert.deepEqual(pauses.slice(0, 6), [125, 188, 375, 750, 750, 750]);
  assert.equal(Math.max(...pauses), 750);
  assert.ok(visitor.state.kind === "waiting" && visitor.state.delayMs === 1500, "later less often");
  visitor.info = () => new Response("{}");
  (await visitor.returns()).hears(hello(0));
  assert.equal(visitor.session.quietMs, 0);
  await visitor.loses();
});

test("a break without a network waits for it, keeps what is typed, and is tried at once when it is back", async (context) => {
  const { visitor } = await Visitor.at(context, hello(0));
  visitor.network = "offline";
  await visitor.loses();
  await visitor.passes(250);
  assert.ok(visitor.state.kind === "waiting" && visitor.state.wait === "offline");
  visitor.type("typed");
  await visitor.passes(50_000);
  assert.equal(FakeSocket.all.length, 1);
  visitor.network = "online";
  visitor.session.retryNow();
  await turns();
  visitor.socket.opens().hears(hello(0));
  assert.deepEqual(inputs(visitor.socket), ["input typed"]);
  await visitor.loses();
});

test("the way of a mouse in a break is forgotten, its buttons are not", async (context) => {
  const { visitor, socket } = await Visitor.at(context, hello(0));
  visitor.type("\x1b[<35;1;1M");
  assert.deepEqual(inputs(socket), ["input \x1b[<35;1;1M"]);
  await visitor.loses();
  for (const report of ["\x1b[<35;2;2M", "\x1b[<32;2;2M", "\x1b[<0;3;3M", "\x1b[<0;3;3m", "\x1b[<65;3;3M"]) visitor.type(report);
  const second = await visitor.returns();
  second.hears(hello(10));
  assert.deepEqual(inputs(second), ["input \x1b[<0;3;3M\x1b[<0;3;3m\x1b[<65;3;3M"]);
  await visitor.loses();
});
