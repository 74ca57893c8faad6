// When a break is shown: not where it is over before it can be read. With a fake document.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PresenceView } from "../../src/presenceview.ts";
import type { State } from "../../src/session.ts";
import { StatusView } from "../../src/status.ts";

const WAITING: State = { kind: "waiting", wait: "connection", reason: "The connection was lost.", delayMs: 250 };

/** Elements that remember what they were given, by their id. */
function fakePage() {
  const elements = new Map<string, Record<string, unknown>>();
  const made = (id: string) => {
    const replaceChildren = (...parts: Array<{ textContent: string }>) => void (element["textContent"] = parts.map(({ textContent }) => textContent).join(", "));
    const element: Record<string, unknown> = elements.get(id) ?? { hidden: true, textContent: "", dataset: {}, addEventListener: () => {}, focus: () => {}, replaceChildren };
    elements.set(id, element);
    return element;
  };
  globalThis.document = { getElementById: made, createElement: () => ({}) } as unknown as Document;
  return made;
}

function fakeStatus() {
  const made = fakePage();
  const status = new StatusView(() => {});
  return { status, hidden: () => made("status")["hidden"], shape: () => (made("status")["dataset"] as { shape?: string }).shape, title: () => made("status-title")["textContent"] };
}

test("a break that is over within its quiet time is never shown, and one that lasts is shown beside the screen", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const { status, hidden, shape, title } = fakeStatus();
  status.show({ kind: "live", start: "anew" }, "dev", "screen", 0);
  status.show(WAITING, "dev", "screen", 1500);
  context.mock.timers.tick(1499);
  assert.equal(hidden(), true);
  status.show({ kind: "live", start: "resumed" }, "dev", "screen", 0);
  context.mock.timers.tick(10_000);
  assert.equal(hidden(), true, "it is over");

  status.show(WAITING, "dev", "screen", 1500);
  context.mock.timers.tick(1000);
  status.show({ kind: "connecting" }, "dev", "screen", 500);
  context.mock.timers.tick(500);
  assert.deepEqual([hidden(), shape(), title()], [false, "pill", "Connecting to dev"]);
  status.show(WAITING, "dev", "screen", 0);
  assert.deepEqual([hidden(), shape(), title()], [false, "pill", "Reconnecting"]);
});

test("who looks is forgotten in a break that lasts, and no word is said of one that does not", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const made = fakePage();
  const presence = new PresenceView();
  const link = { access: "view", endsInMs: undefined } as const;
  presence.opened(link);
  presence.viewers({ count: 2, typed: undefined });
  made("announcement")["textContent"] = "";
  presence.disconnected(1500);
  context.mock.timers.tick(1499);
  presence.changed(link); // it is back
  context.mock.timers.tick(10_000);
  assert.deepEqual([made("presence")["textContent"], made("announcement")["textContent"]], ["View only, 2 viewers", ""]);
  presence.disconnected(1500);
  context.mock.timers.tick(1500);
  assert.equal(made("presence")["textContent"], "View only");
});
