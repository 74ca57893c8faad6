// The session's order of steps, with a fake network and a screen that is slow to draw.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Session, type Screen, type SessionEvents, type State } from "../../src/session.ts";

/** A socket that says that it was made, and closes. */
function fakeNetwork(opened: () => void): void {
  globalThis.fetch = async () => new Response('{"name":"fake-agent","namespace":"fake"}');
  globalThis.WebSocket = class extends EventTarget {
    binaryType = "";
    close() {}
    constructor() {
      super();
      opened();
      queueMicrotask(() => this.dispatchEvent(Object.assign(new Event("close"), { code: 1000, reason: "" })));
    }
  } as unknown as typeof WebSocket;
}

test("no terminal is opened before the former one's output is parsed", async () => {
  const steps: string[] = [];
  await new Promise<void>((done) => {
    fakeNetwork(() => {
      steps.push("opened");
      done();
    });
    const screen: Screen = {
      size: () => ({ cols: 80, rows: 24 }),
      reset: () => {},
      share: () => {},
      write: () => {},
      settled: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        steps.push("settled");
      },
    };
    const nothing = () => {};
    const events: SessionEvents = { state: nothing, agent: nothing, link: nothing, viewers: nothing, notice: nothing };
    new Session({ info: "http://h/info", terminal: "ws://h/terminal", wake: "http://h/wake" }, screen, events, () => "online").start();
  });
  assert.deepEqual(steps, ["settled", "opened"]);
});

test("an agent that sleeps is woken by the button alone, and one look at a time counts", async (context) => {
  const asked: string[] = [];
  globalThis.fetch = async (url, request) => {
    asked.push(`${request?.method ?? "GET"} ${String(url)}`);
    const body = request?.method === "POST" ? '{"message":"nobody woke it","reason":"NotWoken"}' : '{"message":"asleep","reason":"Asleep"}';
    return new Response(body, { status: 503 });
  };
  // The page's next look is 15 s away; the test does not wait for it.
  context.mock.method(globalThis, "setTimeout", () => 0);
  const states: State[] = [];
  const reached = async (count: number) => {
    for (let turns = 0; states.length < count && turns < 1000; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const nothing = () => {};
  const screen: Screen = { size: () => ({ cols: 80, rows: 24 }), reset: nothing, share: nothing, write: nothing, settled: async () => {} };
  const at = { info: "http://h/info", terminal: "ws://h/terminal", wake: "http://h/wake" };
  const events: SessionEvents = { state: (state) => states.push(state), agent: nothing, link: nothing, viewers: nothing, notice: nothing };
  const session = new Session(at, screen, events, () => "online");
  session.start();
  await reached(2);
  session.retryNow();
  session.retryNow(); // the former look's answer is dropped
  await reached(3);
  assert.deepEqual(states.map(({ kind }) => kind), ["connecting", "waiting", "waiting"], "the button stays while the page looks again");
  assert.ok(asked.every((line) => line === "GET http://h/info"), asked.join());
  session.act();
  await reached(5);
  assert.equal(asked.at(-1), "POST http://h/wake");
  assert.deepEqual(states.slice(3).map((state) => ("reason" in state ? state.reason : state.kind)), ["waking", "nobody woke it"]);
});
