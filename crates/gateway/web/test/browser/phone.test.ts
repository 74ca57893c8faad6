// The page on a phone: 360 by 740, fingers, a keyboard that covers half of it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { INPUT_WINDOW_BYTES } from "./gateway.ts";
import { launch, paste, quiet, says, screenshot, shows, visit } from "./visit.ts";
import { SAMPLE } from "./sample.ts";

const PHONE = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 3, isMobile: true, hasTouch: true };

let browser: Browser;
before(async () => {
  browser = await launch("webgl", PHONE.deviceScaleFactor);
});
after(() => browser.close());

test("a phone's width holds a usable terminal and the keys its keyboard lacks", async () => {
  await visit(browser, PHONE, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    terminal.print(SAMPLE);
    await shows(page, "This is a fake gateway");
    await quiet(page);
    await screenshot(page, "phone-live");
    const size = terminal.sizes().at(-1);
    assert.ok(size && size.cols >= 45 && size.rows >= 35, JSON.stringify(size));
    for (const name of ["Esc, Escape", "Up", "Tab", "Enter"]) await page.getByRole("button", { name, exact: true }).tap();
    await gateway.until(() => terminal.typed() === "\x1b\x1b[A\t\r", "the keys of the bar");
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  });
});

test("a held Ctrl changes the next typed character, and only that", async () => {
  await visit(browser, PHONE, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    await quiet(page);
    const ctrl = page.getByRole("button", { name: "Control, for the next key" });
    await ctrl.tap();
    assert.equal(await ctrl.getAttribute("aria-pressed"), "true");
    terminal.print("\x1b[c"); // an answer of the terminal is not a typed character
    await gateway.until(() => terminal.typed() === "\x1b[?1;2c", "the answer");
    await page.keyboard.type("xx");
    await gateway.until(() => terminal.typed() === "\x1b[?1;2c\x18x", "Ctrl-X, then x");
    assert.equal(await ctrl.getAttribute("aria-pressed"), "false");
  });
});

test("the bar's Ctrl-C, and a held Ctrl with C, overtake a paste that waits", async () => {
  await visit(browser, { ...PHONE, reader: "off" }, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    await quiet(page);
    await paste(page, "x".repeat(1024 * 1024));
    await gateway.until(() => terminal.uncreditedBytes === INPUT_WINDOW_BYTES, "a full window");
    await page.getByRole("button", { name: "Control C" }).tap();
    await gateway.until(() => terminal.order.at(-1) === "interrupt", "the bar's interrupt");
    terminal.credit(INPUT_WINDOW_BYTES);
    terminal.print("x");
    await gateway.until(() => terminal.acknowledged() === 1, "a page that has read the credit");
    assert.equal(terminal.receivedBytes, INPUT_WINDOW_BYTES, "the rest of the paste is dropped");
    await page.keyboard.type("y");
    await gateway.until(() => terminal.typed().endsWith("y"), "a character that is not credited");
    await page.getByRole("button", { name: "Control, for the next key" }).tap();
    await page.keyboard.type("c");
    await gateway.until(() => terminal.order.filter((type) => type === "interrupt").length === 2, "the second interrupt");
    assert.ok(!terminal.typed().includes("\x03"));
  });
});

test("the bar's Paste brings the clipboard", async () => {
  await visit(browser, { ...PHONE, permissions: ["clipboard-read", "clipboard-write"] }, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    await quiet(page);
    await page.evaluate(() => navigator.clipboard.writeText("from elsewhere"));
    await page.getByRole("button", { name: "Paste" }).tap();
    await gateway.until(() => terminal.typed() === "from elsewhere", "the pasted text");
  });
});

test("a smaller window, as a keyboard leaves it, keeps the keys in sight and the terminal above them", async () => {
  await visit(browser, PHONE, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    terminal.print(SAMPLE);
    await quiet(page);
    const before = terminal.sizes().at(-1);
    await page.setViewportSize({ width: 360, height: 430 });
    await gateway.until(() => terminal.sizes().at(-1)?.rows !== before?.rows, "fewer rows");
    const box = await page.locator("#keys").boundingBox();
    assert.ok(box && Math.round(box.y + box.height) === 430, JSON.stringify(box));
    await screenshot(page, "phone-keyboard");
  });
});

test("a finger that slides scrolls the program, two that spread change the text's size", async () => {
  await visit(browser, PHONE, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    terminal.print("\x1b[?1000h\x1b[?1006hmouse");
    await shows(page, "mouse");
    const session = await page.context().newCDPSession(page);
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", touchPoints: Array<{ x: number; y: number }>) =>
      session.send("Input.dispatchTouchEvent", { type, touchPoints });
    await touch("touchStart", [{ x: 180, y: 400 }]);
    await touch("touchMove", [{ x: 180, y: 340 }]);
    await touch("touchEnd", []);
    await gateway.until(() => /^(\x1b\[<65;\d+;\d+M){3,4}$/.test(terminal.typed()), "wheel reports, one a line");
    const before = terminal.sizes().at(-1);
    await touch("touchStart", [{ x: 150, y: 300 }, { x: 210, y: 300 }]);
    await touch("touchMove", [{ x: 120, y: 300 }, { x: 240, y: 300 }]);
    await touch("touchEnd", []);
    await gateway.until(() => (terminal.sizes().at(-1)?.cols ?? 999) < (before?.cols ?? 0), "larger text");
    assert.equal(await page.evaluate(() => localStorage.getItem("kubeopencode.font-size")), "24");
    await page.getByRole("button", { name: "Smaller text" }).tap();
    assert.equal(await page.evaluate(() => localStorage.getItem("kubeopencode.font-size")), "23");
  });
});

test("states fit a phone", async () => {
  const notReady = { status: 503, headers: { "retry-after": "30" }, body: { message: "The agent is suspended. Its owner can resume it with kubeoc agent resume." } };
  const prepare = async (_: unknown, gateway: { info: unknown }) => void (gateway.info = notReady);
  await visit(browser, { ...PHONE, prepare }, async ({ page, gateway }) => {
    await says(page, "The agent is suspended.");
    await screenshot(page, "phone-waiting");
    gateway.info = { status: 200, body: { name: "fake-agent", namespace: "n" } };
    await page.getByRole("button", { name: "Try now" }).tap();
    const terminal = await gateway.terminal();
    terminal.hello();
    terminal.print(SAMPLE);
    await shows(page, "This is a fake gateway");
    gateway.info = { status: 502 };
    terminal.socket.terminate();
    await says(page, "The server answered with status 502.");
    await gateway.until(() => gateway.asked.length >= 5, "attempts that back off");
    await says(page, /^Trying again in \d+ s$/);
    await screenshot(page, "phone-reconnecting");
  });
});
