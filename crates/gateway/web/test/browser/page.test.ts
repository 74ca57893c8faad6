// The page in a real browser, on a desktop: what a viewer sees and what the gateway gets.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { AGENT } from "./gateway.ts";
import { launch, quiet, says, screenshot, shows, visit } from "./visit.ts";
import { SAMPLE } from "./sample.ts";

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test("the page opens a terminal, echoes what is typed, and is titled after the agent", async () => {
  await visit(browser, {}, async ({ page, gateway }) => {
    await says(page, "Connecting to fake-agent");
    const terminal = await gateway.terminal();
    assert.equal(terminal.protocol, "kubeopencode.terminal.v1");
    assert.equal(terminal.control[0]?.["type"], "resize");
    terminal.hello();
    terminal.print(SAMPLE);
    await shows(page, "This is a fake gateway");
    await quiet(page);
    assert.equal(await page.title(), AGENT.name);
    assert.equal(await page.locator(".xterm-screen canvas").count() > 0, true, "the GPU draws");
    await page.keyboard.type("echo hello");
    await gateway.until(() => terminal.typed() === "echo hello", "the typed text");
    terminal.print(terminal.typed());
    await shows(page, "echo hello");
    await screenshot(page, "desktop-live");
    terminal.print("\x1b]0;OC | fix it\x07");
    await page.waitForFunction(() => document.title === "fake-agent – OC | fix it");
  });
});

test("a resized window changes the terminal's size, and the page never scrolls", async () => {
  await visit(browser, {}, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    const [first] = terminal.sizes();
    assert.ok(first && first.cols > 130 && first.rows > 40, JSON.stringify(first));
    await page.setViewportSize({ width: 700, height: 400 });
    await gateway.until(() => terminal.sizes().length > 1, "a new size");
    const last = terminal.sizes().at(-1);
    assert.ok(last && last.cols < first.cols && last.rows < first.rows, JSON.stringify(last));
    const overflow = await page.evaluate(() => {
      const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.documentElement;
      return { x: scrollWidth - clientWidth, y: scrollHeight - clientHeight };
    });
    assert.deepEqual(overflow, { x: 0, y: 0 });
  });
});

test("eight megabytes pass a window of 256 KiB, and every byte is acknowledged once", async () => {
  await visit(browser, { reader: "off" }, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    const window = 256 * 1024;
    terminal.hello({ window });
    const line = `\x1b[38;2;90;180;255m${"fake output ".repeat(8)}\x1b[0m\r\n`;
    const message = Buffer.from(line.repeat(Math.floor((64 * 1024) / line.length)));
    let sent = 0;
    while (sent < 8 * 1024 * 1024) {
      await gateway.until(() => sent - terminal.acknowledged() + message.length <= window, "room in the window");
      terminal.print(message);
      sent += message.length;
    }
    await gateway.until(() => terminal.acknowledged() >= sent, "the last acknowledgement");
    assert.equal(terminal.acknowledged(), sent);
    const acks = terminal.control.filter(({ type }) => type === "ack").map(({ bytes }) => Number(bytes));
    assert.ok(Math.max(...acks) <= window, "no acknowledgement is larger than the window");
    assert.ok(acks.length <= sent / (16 * 1024), "acknowledgements are gathered");
    await page.evaluate(() => localStorage.setItem("kubeopencode.screen-reader", "on"));
  });
});

test("a small remainder is acknowledged too", async () => {
  await visit(browser, {}, async ({ gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    terminal.print("x".repeat(100));
    await gateway.until(() => terminal.acknowledged() === 100, "the remainder");
  });
});

test("a small window never runs dry", async () => {
  await visit(browser, {}, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello({ window: 64 });
    for (let sent = 0; sent < 640; sent += 32) {
      await gateway.until(() => terminal.acknowledged() >= sent - 32, "room in the window");
      terminal.print("x".repeat(31) + "\n");
    }
    await gateway.until(() => terminal.acknowledged() === 640, "the last acknowledgement");
    await quiet(page);
  });
});

test("an agent that is not ready is waited for as long as the gateway says, with its words", async () => {
  const notReady = { status: 503, headers: { "retry-after": "2" }, body: { message: "The agent is starting: its pod is being scheduled." } };
  const prepare = async (_: unknown, gateway: { info: unknown }) => void (gateway.info = notReady);
  await visit(browser, { prepare }, async ({ page, gateway }) => {
    await says(page, "Waiting for the agent");
    await says(page, "its pod is being scheduled");
    await says(page, /^Trying again in [23] s$/);
    await screenshot(page, "desktop-waiting");
    gateway.info = { status: 200, body: AGENT };
    const terminal = await gateway.terminal();
    const [first, second] = gateway.asked;
    assert.ok(first !== undefined && second !== undefined && second - first >= 1990, "not before Retry-After");
    terminal.hello();
    await quiet(page);
  });
});

test("a draining gateway is left and come back to at once, with an empty screen", async () => {
  await visit(browser, {}, async ({ page, gateway }) => {
    const first = await gateway.terminal();
    first.hello();
    first.print("of the first session");
    await shows(page, "of the first session");
    first.socket.close(1001, "draining");
    const second = await gateway.terminal(1);
    second.hello();
    second.print("of the second session");
    await shows(page, "of the second session");
    await quiet(page);
    assert.equal(await page.locator(".xterm-accessibility-tree").getByText("of the first session").count(), 0);
  });
});

test("a lost connection is said over the last screen, and comes back by itself or by the button", async () => {
  await visit(browser, {}, async ({ page, gateway }) => {
    const first = await gateway.terminal();
    first.hello();
    first.print(SAMPLE);
    await shows(page, "This is a fake gateway");
    gateway.info = { status: 502 };
    first.socket.terminate();
    await says(page, "Reconnecting");
    await says(page, "The server answered with status 502.");
    await gateway.until(() => gateway.asked.length >= 4, "attempts that back off");
    await says(page, /^Trying again in \d+ s$/);
    await screenshot(page, "desktop-reconnecting");
    gateway.info = { status: 200, body: AGENT };
    await page.getByRole("button", { name: "Reconnect now" }).click();
    (await gateway.terminal(1)).hello();
    await quiet(page);
    await page.keyboard.type("again");
    await gateway.until(() => gateway.terminals[1]?.typed() === "again", "typing after the reconnect: the terminal has the focus");
  });
});

test("a network that vanished without a word is noticed, left, and come back from", async () => {
  const prepare = async (page: { clock: { install(): Promise<void> } }) => page.clock.install();
  await visit(browser, { prepare }, async ({ page, gateway }) => {
    const first = await gateway.terminal();
    first.hello({ silence_ms: 25_000 });
    for (const sign of ["first sign of life", "second sign of life"]) {
      first.print(sign);
      await shows(page, sign);
      await page.clock.fastForward(20_000);
      await quiet(page);
    }
    assert.equal(gateway.terminals.length, 1, "each sign of life counts anew");
    first.vanish();
    await page.clock.fastForward(6_000);
    await says(page, "The connection was lost.");
    await page.clock.fastForward(1_000);
    const second = await gateway.terminal(1);
    second.hello({ silence_ms: 25_000 });
    first.print("of another time");
    second.print("after the tunnel");
    await shows(page, "after the tunnel");
    assert.equal(await page.getByText("of another time").count(), 0, "the former connection draws no more");
  });
});

test("a revoked link is said clearly and never tried again", async () => {
  const prepare = async (page: { clock: { install(): Promise<void> } }) => page.clock.install();
  await visit(browser, { prepare }, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    terminal.print(SAMPLE);
    await shows(page, "This is a fake gateway");
    terminal.socket.close(1008, "this link was turned off");
    await says(page, "This link no longer works");
    await says(page, "this link was turned off");
    await screenshot(page, "desktop-revoked");
    assert.equal(await page.locator("#status-action").isVisible(), false);
    const asked = gateway.asked.length;
    await page.clock.fastForward("01:00:00");
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    assert.equal(gateway.asked.length, asked);
  });
});

test("a denial or a wait that no page has heard of is said in the gateway's words", async () => {
  const moved = { status: 503, headers: { "retry-after": "1" }, body: { message: "the agent is being moved to another node" } };
  const prepare = async (_: unknown, gateway: { info: unknown }) => void (gateway.info = moved);
  await visit(browser, { prepare }, async ({ page, gateway }) => {
    await says(page, "Waiting for the agent");
    await says(page, "the agent is being moved to another node");
    gateway.info = { status: 200, body: AGENT };
    const terminal = await gateway.terminal();
    terminal.hello();
    await quiet(page);
    terminal.socket.close(1008, "this link sleeps on Sundays");
    await says(page, "This link no longer works");
    await says(page, "this link sleeps on Sundays");
    assert.equal(await page.locator("#status-action").isVisible(), false);
  });
});

test("a message that one side could not read is called a defect, and reconnects on request only", async () => {
  await visit(browser, {}, async ({ page, gateway }) => {
    for (const [nth, code] of [1002, 1007, 1009].entries()) {
      const terminal = await gateway.terminal(nth);
      terminal.hello();
      await quiet(page);
      terminal.socket.close(code, code === 1009 ? "" : "the message is malformed");
      await says(page, "A defect ended the connection");
      await says(page, code === 1009 ? "Please report it." : "the message is malformed");
      assert.equal(gateway.terminals.length, nth + 1);
      if (code === 1009) await screenshot(page, "desktop-defect");
      await page.getByRole("button", { name: "Reconnect" }).click();
    }
    (await gateway.terminal(3)).hello();
    await quiet(page);
  });
});

test("a session that ended says how, and starts again on request", async () => {
  await visit(browser, {}, async ({ page, gateway }) => {
    const first = await gateway.terminal();
    first.hello();
    first.print(SAMPLE);
    first.say({ type: "exit", code: 0, message: "OpenCode was closed." });
    first.socket.close(1000);
    await says(page, "The session ended");
    await says(page, "OpenCode was closed.");
    await screenshot(page, "desktop-ended");
    await page.keyboard.press("Enter"); // the button has the focus
    (await gateway.terminal(1)).hello();
    await quiet(page);
    assert.equal(first.typed(), "");
  });
});

test("an unknown link and a forbidden network are explained without an attempt to connect", async () => {
  const cases = [
    { info: { status: 404, body: {} }, title: "There is nothing behind this link", shot: "desktop-unknown" },
    { info: { status: 403, body: { message: "Your address is not on the list." } }, title: "Not allowed from here", shot: "desktop-forbidden" },
  ];
  for (const { info, title, shot } of cases) {
    const prepare = async (_: unknown, gateway: { info: unknown }) => void (gateway.info = info);
    await visit(browser, { prepare }, async ({ page, gateway }) => {
      await says(page, title);
      await screenshot(page, shot);
      assert.equal(gateway.terminals.length, 0);
    });
  }
});

test("a link that worked and is now unknown is asked for again, and works again or was turned off", async () => {
  const prepare = async (page: { clock: { install(): Promise<void> } }) => page.clock.install();
  await visit(browser, { prepare }, async ({ page, gateway }) => {
    const first = await gateway.terminal();
    first.hello();
    await quiet(page);
    gateway.info = { status: 404, body: { message: "this link does not exist" } };
    first.socket.terminate();
    await says(page, "The connection was lost.");
    await page.clock.fastForward(1000);
    await says(page, "The server does not find the terminal at the moment.");
    gateway.info = { status: 200, body: AGENT };
    await page.clock.fastForward(6000);
    const second = await gateway.terminal(1);
    second.hello();
    await quiet(page);

    gateway.info = { status: 404, body: { message: "this link does not exist" } };
    second.socket.terminate();
    await says(page, "The connection was lost.");
    await page.clock.fastForward(2000);
    await says(page, "The server does not find the terminal at the moment.");
    const asked = gateway.asked.length;
    for (let again = 1; again <= 3; again += 1) {
      await says(page, "The server does not find the terminal at the moment.");
      await page.clock.fastForward(6000);
      await gateway.until(() => gateway.asked.length === asked + again, "the next question");
    }
    await says(page, "This link no longer works");
    await says(page, "this link does not exist");
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    assert.equal(gateway.asked.length, asked + 3);
  });
});

test("a page whose gateway did not know the link yet asks again when its viewer or the network comes back", async () => {
  const prepare = async (_: unknown, gateway: { info: unknown }) => void (gateway.info = { status: 404 });
  await visit(browser, { prepare }, async ({ page, gateway }) => {
    await says(page, "There is nothing behind this link");
    gateway.info = { status: 200, body: AGENT };
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    (await gateway.terminal()).hello();
    await quiet(page);
  });
});

test("too many requests are waited out, and neither viewer nor network shorten it", async () => {
  const limited = { status: 429, headers: { "retry-after": "3" }, body: {} };
  const prepare = async (_: unknown, gateway: { info: unknown }) => void (gateway.info = limited);
  await visit(browser, { prepare }, async ({ page, gateway }) => {
    await says(page, "Too many requests");
    assert.equal(await page.locator("#status-action").isVisible(), false);
    gateway.info = { status: 200, body: AGENT };
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await gateway.terminal();
    const [first, second] = gateway.asked;
    assert.ok(first !== undefined && second !== undefined && second - first >= 2990);
  });
});
