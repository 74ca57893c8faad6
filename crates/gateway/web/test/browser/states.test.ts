// What a page is in each of its states, on a desktop and on a phone: silent in the console, and without a finding of axe.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { accessible } from "./accessible.ts";
import { AGENT } from "./gateway.ts";
import { launch, OTHER_HOST, quiet, says, screenshot, shows, visit, type VisitOptions } from "./visit.ts";
import { SAMPLE } from "./sample.ts";

const FORMS: Record<string, VisitOptions> = {
  desktop: { viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
  "light-desktop": { viewport: { width: 1280, height: 800 }, colorScheme: "light", reader: "off" },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: "light" },
  "phone-sideways": { viewport: { width: 844, height: 390 }, isMobile: true, hasTouch: true, colorScheme: "dark", reader: "off" },
};

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

for (const [form, options] of Object.entries(FORMS)) {
  test(`${form}: a visit from load to end, a break without a network and a second end leave no word in the console, and axe finds nothing`, async () => {
    await visit(browser, { ...options, host: OTHER_HOST, reducedMotion: "reduce" }, async ({ page, gateway }) => {
      const words: string[] = [];
      page.on("console", (message) => words.push(message.text()));
      await says(page, "Connecting to fake-agent");
      await accessible(page, "connecting");
      const first = await gateway.terminal();
      first.hello({ access: "interact", ends_in_ms: 12 * 60_000 });
      first.say({ type: "viewers", count: 3, typed: "ana" });
      first.print(SAMPLE);
      await quiet(page);
      if (options.reader !== "off") await shows(page, "This is a fake gateway");
      await accessible(page, "live");
      await screenshot(page, `${form}-live-line`);

      await page.context().setOffline(true);
      first.socket.terminate();
      await says(page, "You are offline");
      await accessible(page, "offline");
      await screenshot(page, `${form}-offline`);
      await page.context().setOffline(false);
      const second = await gateway.terminal(1);
      second.hello({ access: "view", ends_in_ms: 4 * 60_000 });
      second.print(SAMPLE);
      second.print(`\x1b]52;c;${Buffer.from("copied by the program").toString("base64")}\x07`);
      await page.getByText("copied by the program").waitFor();
      await accessible(page, "view only, with an offer");
      await page.getByRole("button", { name: "Dismiss" }).click();
      await screenshot(page, `${form}-view-line`);

      second.say({ type: "exit", code: 0, message: "OpenCode was closed." });
      second.socket.close(1000);
      await says(page, "The session ended");
      await accessible(page, "ended");
      await screenshot(page, `${form}-ended`);
      await page.getByRole("button", { name: "Start again" }).click();
      const third = await gateway.terminal(2);
      third.hello();
      third.say({ type: "screen", cols: 100, rows: 30 });
      third.print(SAMPLE);
      await quiet(page);
      await accessible(page, "a shared screen");
      third.socket.close(1008, "this link was turned off");
      await says(page, "This link no longer works");
      await accessible(page, "revoked");
      assert.deepEqual(words, []);
    });
  });

  test(`${form}: axe finds nothing while an agent is waited for, asleep, refused or lost`, async () => {
    const asleep = { status: 503, headers: { "retry-after": "3" }, body: { message: "The agent went to sleep; you can wake it", reason: "Asleep" } };
    const starting = { status: 503, headers: { "retry-after": "30" }, body: { message: "The agent is starting" } };
    const prepare = async (_: unknown, gateway: { info: unknown }) => void (gateway.info = asleep);
    await visit(browser, { ...options, reducedMotion: "reduce", prepare }, async ({ page, gateway }) => {
      await says(page, "The agent is asleep");
      await accessible(page, "asleep");
      gateway.info = starting;
      await page.getByRole("button", { name: "Wake agent" }).click();
      await says(page, "The agent is starting");
      await accessible(page, "waiting");
      gateway.info = { status: 200, body: AGENT };
      await page.getByRole("button", { name: "Try now" }).click();
      const terminal = await gateway.terminal();
      terminal.hello();
      await quiet(page);
      gateway.info = { status: 502 };
      terminal.socket.terminate();
      await says(page, "The server answered with status 502.");
      await accessible(page, "reconnecting");
      gateway.info = { status: 403, body: { message: "Your address is not on the list." } };
      await says(page, "Not allowed from here");
      await accessible(page, "forbidden");
    });
  });
}
