// A screen whose size somebody else chose, in a real browser: exactly that size, whatever the window's.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import type { FakeGateway, FakeTerminal } from "./gateway.ts";
import { launch, quiet, screenshot, visit } from "./visit.ts";

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A frame around a screen of this size, with its corners named. */
function framed(cols: number, rows: number): string {
  const middle = `│${" ".repeat(cols - 2)}│`;
  const lines = [`┌${"─".repeat(cols - 2)}┐`, ...Array<string>(rows - 2).fill(middle), `└${"─".repeat(cols - 2)}┘`];
  return `\x1b[?7l\x1b[H${lines.join("\r\n")}\x1b[2;3Hshared ${cols} by ${rows}`;
}

async function open(page: Page, gateway: FakeGateway): Promise<FakeTerminal> {
  const terminal = await gateway.terminal();
  terminal.hello();
  await quiet(page);
  return terminal;
}

/** Where the screen is drawn, seen from the terminal's place, once it is: a new size is drawn with the next frame. */
async function drawn(page: Page) {
  return page.evaluate(async () => {
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    const place = document.getElementById("terminal") as HTMLElement;
    const [outer, inner] = [place.getBoundingClientRect(), (place.querySelector(".xterm-screen") as HTMLElement).getBoundingClientRect()];
    return {
      left: inner.left - outer.left,
      right: outer.right - inner.right,
      top: inner.top - outer.top,
      bottom: outer.bottom - inner.bottom,
      scrolls: { x: place.scrollWidth > place.clientWidth, y: place.scrollHeight > place.clientHeight },
    };
  });
}

/** The program's question for the size of its screen is answered by the terminal. */
async function reported(gateway: FakeGateway, terminal: FakeTerminal): Promise<string> {
  const before = terminal.typed().length;
  terminal.print("\x1b[18t");
  await gateway.until(() => terminal.typed().slice(before).endsWith("t"), "the size of the screen");
  return terminal.typed().slice(before);
}

test("a smaller screen stands in the middle in the viewer's own text size, and the window's size is still told", async () => {
  await visit(browser, {}, async ({ page, gateway }) => {
    const terminal = await open(page, gateway);
    const own = terminal.sizes().at(-1);
    terminal.say({ type: "screen", cols: 80, rows: 24 });
    terminal.print(framed(80, 24));
    assert.equal(await reported(gateway, terminal), "\x1b[8;24;80t");
    const { left, right, top, bottom, scrolls } = await drawn(page);
    assert.ok(Math.abs(left - right) <= 8 && Math.abs(top - bottom) <= 2 && left > 100 && top > 100, JSON.stringify({ left, right, top, bottom }));
    assert.deepEqual(scrolls, { x: false, y: false });
    await screenshot(page, "desktop-shared-small");
    assert.deepEqual(terminal.sizes(), [own], "the drawn size is not the window's");
    await page.setViewportSize({ width: 1000, height: 700 });
    await gateway.until(() => terminal.sizes().length === 2, "the window's new size");
    assert.equal(await reported(gateway, terminal), "\x1b[8;24;80t");
    terminal.say({ type: "screen" });
    const { cols, rows } = terminal.sizes()[1] ?? { cols: 0, rows: 0 };
    assert.equal(await reported(gateway, terminal), `\x1b[8;${rows};${cols}t`, "without a shared screen all is as before");
  });
});

test("a larger screen is drawn smaller, whole", async () => {
  await visit(browser, { viewport: { width: 900, height: 600 } }, async ({ page, gateway }) => {
    const terminal = await open(page, gateway);
    terminal.say({ type: "screen", cols: 150, rows: 45 });
    terminal.print(framed(150, 45));
    assert.equal(await reported(gateway, terminal), "\x1b[8;45;150t");
    const { left, right, top, bottom, scrolls } = await drawn(page);
    assert.ok(Math.min(left, right, top, bottom) >= 0, JSON.stringify({ left, right, top, bottom }));
    assert.deepEqual(scrolls, { x: false, y: false });
    await screenshot(page, "desktop-shared-large");
  });
});

test("a screen that would be too small to read on a phone is moved by a finger, and two magnify it", async () => {
  await visit(browser, PHONE, async ({ page, gateway }) => {
    const terminal = await open(page, gateway);
    const own = terminal.sizes().at(-1);
    terminal.say({ type: "screen", cols: 160, rows: 45 });
    terminal.print(framed(160, 45));
    assert.equal(await reported(gateway, terminal), "\x1b[8;45;160t");
    await page.waitForFunction(() => (document.getElementById("terminal") as HTMLElement).classList.contains("shared"));
    const first = await drawn(page);
    assert.ok(first.left >= 0 && first.right < 0 && first.scrolls.x, JSON.stringify(first));
    await screenshot(page, "phone-shared");
    const session = await page.context().newCDPSession(page);
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", touchPoints: Array<{ x: number; y: number }>) =>
      session.send("Input.dispatchTouchEvent", { type, touchPoints });
    await touch("touchStart", [{ x: 300, y: 300 }]);
    await touch("touchMove", [{ x: 250, y: 300 }]);
    await touch("touchMove", [{ x: 150, y: 300 }]);
    await touch("touchEnd", []);
    const moved = await drawn(page);
    assert.ok(moved.left < -50, JSON.stringify(moved));
    await touch("touchStart", [{ x: 150, y: 300 }, { x: 210, y: 300 }]);
    await touch("touchMove", [{ x: 120, y: 300 }, { x: 240, y: 300 }]);
    await touch("touchEnd", []);
    const magnified = await drawn(page);
    assert.ok(magnified.right - magnified.left < 1.7 * (moved.right - moved.left), JSON.stringify(magnified));
    await screenshot(page, "phone-shared-magnified");
    assert.deepEqual(terminal.sizes().at(-1), own, "the window's own size is as it was");
    assert.equal(await page.evaluate(() => localStorage.getItem("kubeopencode.font-size")), null);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  });
});
