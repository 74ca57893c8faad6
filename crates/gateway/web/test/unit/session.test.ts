// The session's order of steps, with a fake network and a screen that is slow to draw.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Session, type Screen } from "../../src/session.ts";

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
      write: () => {},
      settled: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        steps.push("settled");
      },
    };
    const nothing = () => {};
    new Session({ info: "http://h/info", terminal: "ws://h/terminal" }, screen, { state: nothing, agent: nothing, notice: nothing }).start();
  });
  assert.deepEqual(steps, ["settled", "opened"]);
});
