// The line about the link, and a link that may only look, in a real browser.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launch, paste, quiet, screenshot, shows, visit } from "./visit.ts";
import { SAMPLE } from "./sample.ts";

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const MOUSE = "\x1b[?1000h\x1b[?1003h\x1b[?1006h";

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const withClock = async (page: Page) => void (await page.clock.install());

/** Waits until the line says exactly this. */
async function line(page: Page, ...words: string[]): Promise<void> {
  await page.waitForFunction((expected) => {
    const found = document.getElementById("presence");
    const said = found === null || found.hidden ? [] : [...found.children].map(({ textContent }) => textContent);
    return JSON.stringify(said) === expected;
  }, JSON.stringify(words));
}

async function heard(page: Page, text: string): Promise<void> {
  await page.locator("#announcement").getByText(text, { exact: true }).waitFor({ state: "attached" });
}

test("the line says what the server said, counts minutes down, and is not there where nothing is known", async () => {
  await visit(browser, { prepare: withClock }, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    terminal.print(SAMPLE);
    await quiet(page);
    await line(page);
    terminal.say({ type: "viewers", count: 3, typed: "ana" });
    await line(page, "3 viewers", "ana typed last");
    terminal.say({ type: "link", access: "interact", ends_in_ms: 6 * 60_000 });
    await line(page, "3 viewers", "ana typed last", "link ends in 6 min");
    await screenshot(page, "desktop-line");
    assert.equal(await page.locator("#announcement").textContent(), "");
    await page.clock.fastForward(60_100);
    await line(page, "3 viewers", "ana typed last", "link ends in 5 min");
    await heard(page, "This link ends in 5 minutes.");
    await page.clock.fastForward(240_000);
    await line(page, "3 viewers", "ana typed last", "link ends in 1 min");
    await heard(page, "This link ends in 1 minute.");
    terminal.say({ type: "link", access: "interact" });
    await line(page, "3 viewers", "ana typed last");
  });
});

test("a break forgets who looks and keeps the line's place, and the next terminal says anew", async () => {
  await visit(browser, {}, async ({ page, gateway }) => {
    const first = await gateway.terminal();
    first.hello({ ends_in_ms: 90 * 60_000 });
    first.say({ type: "viewers", count: 2, typed: null });
    await line(page, "2 viewers", "link ends in 90 min");
    await quiet(page);
    const height = (await page.locator("#terminal").boundingBox())?.height;
    gateway.info = { status: 502 };
    first.socket.terminate();
    await line(page, "link ends in 90 min");
    assert.equal((await page.locator("#terminal").boundingBox())?.height, height);
    gateway.info = { status: 200, body: {} };
    const second = await gateway.terminal(1);
    second.hello();
    await line(page);
    second.socket.close(1008, "this link was turned off");
    await page.getByText("This link no longer works").waitFor();
    await line(page);
  });
});

test("who may only look sends nothing by keyboard, paste, mouse or size, and is told so", async () => {
  await visit(browser, { prepare: withClock }, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello({ access: "view" });
    const output = SAMPLE + MOUSE + "\x1b[c";
    terminal.print(output);
    await shows(page, "This is a fake gateway");
    await line(page, "View only");
    await heard(page, "You can only view this terminal.");
    const said = terminal.order.filter((type) => type !== "ack").length;
    await page.locator(".xterm-screen").click({ position: { x: 60, y: 60 } });
    await page.mouse.wheel(0, 300);
    await page.keyboard.type("rm -rf x");
    await page.keyboard.press("Control+c");
    await paste(page, "pasted");
    await page.setViewportSize({ width: 900, height: 500 });
    await screenshot(page, "desktop-view-only");
    await page.waitForFunction(() => (document.querySelector(".xterm-screen")?.clientHeight ?? Infinity) < 500);
    await page.clock.fastForward(1000); // a size that is said when it has settled
    // The page answers in its order: what it had to say before this would have come.
    terminal.print("x");
    const drawn = Buffer.byteLength(output) + 1;
    await gateway.until(() => terminal.acknowledged() === drawn, "the last acknowledgement, which a viewer sends");
    assert.deepEqual(terminal.order.filter((type) => type !== "ack").slice(said), []);
    assert.equal(terminal.receivedBytes, 0);
  });
});

test("a right that changes changes the page at once, on the same connection", async () => {
  await visit(browser, { ...PHONE, reader: "off" }, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello({ access: "interact" });
    terminal.print(SAMPLE);
    await quiet(page);
    const keys = page.getByRole("toolbar", { name: "Terminal keys" });
    await keys.waitFor();
    await page.keyboard.type("a");
    await gateway.until(() => terminal.typed() === "a", "a typed character");
    terminal.say({ type: "link", access: "view", ends_in_ms: 12 * 60_000 });
    terminal.say({ type: "viewers", count: 2, typed: "ana" });
    await keys.waitFor({ state: "hidden" });
    await line(page, "View only", "2 viewers", "ana typed last", "link ends in 12 min");
    await heard(page, "You can now only view this terminal.");
    await screenshot(page, "phone-view-only");
    await page.keyboard.type("b");
    const sizes = terminal.sizes().length;
    terminal.say({ type: "link", access: "interact" });
    await keys.waitFor();
    await heard(page, "You can now type in this terminal.");
    await gateway.until(() => terminal.sizes().length > sizes, "its size");
    await page.keyboard.type("c");
    await gateway.until(() => terminal.typed() === "ac", "what is typed after the right came back");
    assert.equal(gateway.terminals.length, 1);
  });
});
