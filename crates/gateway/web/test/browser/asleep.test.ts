// A visitor of an agent that sleeps in standby, on a desktop and on a phone: it is woken by a button, and by nothing else.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { AGENT, type Answer, type FakeGateway } from "./gateway.ts";
import { launch, quiet, says, screenshot, shows, visit } from "./visit.ts";
import { SAMPLE } from "./sample.ts";

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const ASLEEP: Answer = {
  status: 503,
  headers: { "retry-after": "3" },
  body: { message: "The agent went to sleep because nobody used it; you can wake it", reason: "Asleep" },
};
const CLONING: Answer = {
  status: 503,
  headers: { "retry-after": "1" },
  body: { message: "The agent is cloning its repositories", reason: "NotReady" },
};
const NOBODY: Answer = { status: 503, headers: { "retry-after": "3" }, body: { message: "Nobody woke the agent; try again in a moment", reason: "NotWoken" } };

const asleep = async (_: Page, gateway: FakeGateway) => void (gateway.info = ASLEEP);

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test("a sleeping agent is woken by one key, says what it does, and its terminal opens", async () => {
  await visit(browser, { prepare: asleep }, async ({ page, gateway }) => {
    await says(page, "The agent is asleep");
    await says(page, "you can wake it");
    await screenshot(page, "desktop-asleep");
    const button = page.getByRole("button", { name: "Wake agent" });
    assert.ok(await button.evaluate((found) => found === document.activeElement), "the button has the focus");
    assert.equal(await page.locator("#status").getAttribute("aria-live"), "polite");

    let answer = (_: Answer) => {};
    gateway.wake = () => new Promise((resolve) => (answer = resolve));
    await page.keyboard.press("Enter");
    await says(page, "Waking the agent");
    await gateway.until(() => gateway.woken.length === 1, "the request to wake");
    assert.deepEqual(gateway.woken, ["application/json"]);
    gateway.info = CLONING;
    answer({ status: 202, body: { message: "The agent is waking up", reason: "Waking" } });
    await says(page, "The agent is cloning its repositories");
    await screenshot(page, "desktop-waking");
    gateway.info = { status: 200, body: AGENT };
    (await gateway.terminal()).hello();
    await quiet(page);
    await page.keyboard.type("ls");
    await gateway.until(() => gateway.terminals[0]?.typed() === "ls", "typing: the terminal has the focus");
    assert.equal(gateway.woken.length, 1);
  });
});

test("where nobody wakes the agent the page says to try again, and offers the button again", async () => {
  await visit(browser, { prepare: asleep }, async ({ page, gateway }) => {
    gateway.wake = async () => NOBODY;
    const button = page.getByRole("button", { name: "Wake agent" });
    await button.click();
    await says(page, "Nobody woke the agent; try again in a moment");
    assert.ok(await button.evaluate((found) => found === document.activeElement), "the button has the focus again");
    await screenshot(page, "desktop-not-woken");
    gateway.wake = async () => ({ status: 202, body: {} });
    gateway.info = { status: 200, body: AGENT };
    await button.click();
    (await gateway.terminal()).hello();
    await quiet(page);
    assert.equal(gateway.woken.length, 2);
  });
});

test("time, a network that comes back and a viewer who returns wake nobody, and the button never goes away meanwhile", async () => {
  const prepare = async (page: Page, gateway: FakeGateway) => {
    await page.clock.install();
    await asleep(page, gateway);
  };
  await visit(browser, { prepare }, async ({ page, gateway }) => {
    await says(page, "The agent is asleep");
    await page.evaluate(() => {
      const shown = document.getElementById("status-action") as HTMLElement;
      new MutationObserver(() => (document.title = shown.hidden ? "the button went away" : document.title)).observe(shown, { attributes: true });
    });
    const asked = gateway.asked.length;
    for (let look = 1; look <= 3; look += 1) {
      await page.clock.fastForward(20_000);
      await gateway.until(() => gateway.asked.length >= asked + look, "another look");
    }
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await gateway.until(() => gateway.asked.length >= asked + 4, "a look when the network came back");
    assert.notEqual(await page.title(), "the button went away");
    assert.deepEqual([gateway.woken.length, gateway.terminals.length], [0, 0]);
    gateway.info = { status: 200, body: AGENT };
    await page.clock.fastForward(20_000);
    (await gateway.terminal()).hello(); // somebody else woke it
    await quiet(page);
  });
});

test("an open terminal whose agent falls asleep ends at the same offer, and what starts after it has an empty screen", async () => {
  await visit(browser, {}, async ({ page, gateway }) => {
    const first = await gateway.terminal();
    first.hello();
    first.print(SAMPLE);
    await shows(page, "This is a fake gateway");
    gateway.info = ASLEEP;
    first.socket.close(1013, "the agent went to sleep because nobody used it; you can wake it");
    await says(page, "fake-agent is asleep");
    assert.equal(await page.locator("#status").getAttribute("data-shape"), "card");
    await screenshot(page, "desktop-fell-asleep");
    gateway.wake = async () => {
      gateway.info = CLONING;
      return { status: 202, body: {} };
    };
    await page.getByRole("button", { name: "Wake agent" }).click();
    await says(page, "The agent is cloning its repositories");
    gateway.info = { status: 200, body: AGENT };
    const second = await gateway.terminal(1);
    second.hello();
    second.print("awake again");
    await shows(page, "awake again");
    await quiet(page);
    assert.equal(await page.locator(".xterm-accessibility-tree").getByText("This is a fake gateway").count(), 0);
  });
});

test("a phone shows the whole offer, and a finger finds its button", async () => {
  await visit(browser, { ...PHONE, prepare: asleep }, async ({ page, gateway }) => {
    await says(page, "The agent is asleep");
    await screenshot(page, "phone-asleep");
    const button = page.getByRole("button", { name: "Wake agent" });
    const box = await button.boundingBox();
    assert.ok(box && box.height >= 44 && box.x >= 0 && box.x + box.width <= 360, JSON.stringify(box));
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    gateway.wake = async () => {
      gateway.info = { status: 200, body: AGENT };
      return { status: 202, body: {} };
    };
    await button.tap();
    (await gateway.terminal()).hello();
    await quiet(page);
  });
});
