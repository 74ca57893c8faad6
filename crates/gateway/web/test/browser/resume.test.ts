// A terminal that goes on after a break, in a real browser: the screen stays as it is, and what was typed arrives once.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { AGENT, type FakeGateway } from "./gateway.ts";
import { launch, quiet, says, screenshot, shows, visit } from "./visit.ts";

const TERMINAL = "00000000000000aa";
const OTHER = "00000000000000bb";

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** The first connection of a page, which shows what its terminal printed. */
async function beforeTheBreak(page: Page, gateway: FakeGateway) {
  const first = await gateway.terminal();
  first.hello({ resume: { terminal: TERMINAL, typed: 0 } });
  first.say({ type: "position", position: 0, screen_bytes: 0 });
  first.print("before the break");
  await shows(page, "before the break");
  return first;
}

test("after a break the terminal goes on where it was, and what had not come is typed again, once", async () => {
  await visit(browser, {}, async ({ page, gateway }) => {
    const first = await beforeTheBreak(page, gateway);
    await page.keyboard.type("ab");
    await gateway.until(() => first.typed() === "ab", "the typed text");
    first.socket.close(1001, "draining");
    await page.keyboard.type("c"); // before the page knows, or after
    const second = await gateway.terminal(1);
    assert.deepEqual([second.join["terminal"], second.join["drawn"], second.join["typed_from"]], [TERMINAL, 16, 0]);
    assert.equal(second.join["viewer"], first.join["viewer"]);
    second.hello({ resume: { terminal: TERMINAL, typed: 1 } });
    second.say({ type: "position", position: 16, screen_bytes: 0 });
    second.print(" and after it");
    await shows(page, "before the break and after it");
    await quiet(page);
    await page.keyboard.type("d"); // the terminal has kept the focus
    await gateway.until(() => second.typed() === "bcd", "what had not come, once");
  });
});

test("a longer break is said beside a screen that stays, and what is typed meanwhile arrives when it is over", async () => {
  await visit(browser, {}, async ({ page, gateway }) => {
    const first = await beforeTheBreak(page, gateway);
    gateway.info = { status: 502 };
    first.socket.terminate();
    await says(page, "Reconnecting");
    assert.equal(await page.locator("#status").getAttribute("data-shape"), "pill");
    await shows(page, "before the break");
    await page.keyboard.type("typed in the break");
    await screenshot(page, "desktop-resuming");
    gateway.info = { status: 200, body: AGENT };
    const second = await gateway.terminal(1);
    second.hello({ resume: { terminal: TERMINAL, typed: 0 } });
    await gateway.until(() => second.typed() === "typed in the break", "what was typed in the break");
    await quiet(page);
    await shows(page, "before the break");

    second.socket.terminate();
    await page.keyboard.type("x");
    const third = await gateway.terminal(2);
    third.hello({ resume: { terminal: OTHER, typed: 0 } });
    third.say({ type: "position", position: 0, screen_bytes: 0 });
    third.print("of another terminal");
    await shows(page, "of another terminal");
    assert.equal(await page.locator(".xterm-accessibility-tree").getByText("before the break").count(), 0);
    await page.keyboard.type("y");
    await gateway.until(() => third.typed() !== "", "what is typed there");
    assert.equal(third.typed(), "y");
  });
});
