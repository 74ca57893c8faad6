// What programs in the terminal and viewers who type or copy see, in a real browser.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { launch, quiet, screenshot, shows, visit } from "./visit.ts";
import { SAMPLE } from "./sample.ts";

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test("text that no key makes arrives: other scripts, and what an input method composes", async () => {
  // Without the screen reader mode, in which xterm.js takes keys only.
  await visit(browser, { reader: "off" }, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    await quiet(page);
    await page.keyboard.type("é🙂");
    await gateway.until(() => terminal.typed() === "é🙂", "inserted text");
    const session = await page.context().newCDPSession(page);
    await session.send("Input.imeSetComposition", { text: "にほ", selectionStart: 2, selectionEnd: 2 });
    await page.locator(".composition-view.active").getByText("にほ").waitFor();
    assert.equal(terminal.typed(), "é🙂", "nothing is sent while composing");
    await session.send("Input.insertText", { text: "日本" });
    await gateway.until(() => terminal.typed() === "é🙂日本", "the composed text, once");
  });
});

test("a program's questions are answered: device, size of a cell, grapheme mode", async () => {
  await visit(browser, {}, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    await quiet(page);
    terminal.print("\x1b[c\x1b[14t\x1b[?2026$p\x1b[?2027$p\x1b[?2027h\x1b[?2027$p");
    await gateway.until(() => terminal.typed().includes("\x1b[?2027;1$y"), "the last answer");
    assert.match(terminal.typed(), /^\x1b\[\?1;2c\x1b\[4;\d+;\d+t\x1b\[\?2026;2\$y\x1b\[\?2027;2\$y\x1b\[\?2027;1\$y$/);
  });
});

test("the width of a family follows the grapheme mode", async () => {
  await visit(browser, {}, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    await quiet(page);
    const column = (text: string) => `\r${text}\x1b[6n`;
    terminal.print(`${column("👨‍👩‍👧")}\x1b[?2027h${column("👨‍👩‍👧")}`);
    await gateway.until(() => terminal.typed().split("R").length > 2, "two reports of the cursor");
    assert.equal(terminal.typed(), "\x1b[1;7R\x1b[1;3R");
  });
});

test("a former session's questions are not answered to the next one", async () => {
  await visit(browser, { reader: "off" }, async ({ page, gateway }) => {
    const first = await gateway.terminal();
    first.hello();
    await quiet(page);
    first.print("\x1b[c".repeat(2000));
    first.socket.close(1001);
    const second = await gateway.terminal(1);
    second.hello();
    second.print("ready");
    await gateway.until(() => second.acknowledged() === 5, "its output drawn");
    await page.keyboard.type("x");
    await gateway.until(() => second.typed() !== "", "the first typed character");
    assert.equal(second.typed(), "x");
  });
});

test("a program sets the clipboard only by the viewer's click, and cannot read it", async () => {
  const permissions = ["clipboard-read", "clipboard-write"];
  await visit(browser, { permissions }, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    await quiet(page);
    terminal.print(SAMPLE);
    terminal.print("\x1b]52;c;?\x07");
    terminal.print(`\x1b]52;c;${Buffer.from("copied by the program").toString("base64")}\x07`);
    await page.getByText("copied by the program").waitFor();
    await screenshot(page, "desktop-offer");
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "");
    await page.getByRole("button", { name: "Copy" }).click();
    await page.waitForFunction(async () => (await navigator.clipboard.readText()) === "copied by the program");
    await page.keyboard.type("z");
    await gateway.until(() => terminal.typed() !== "", "typing after the offer: the terminal has the focus again");
    assert.equal(terminal.typed(), "z");
  });
});

test("Ctrl-C copies a selection and otherwise interrupts", async () => {
  await visit(browser, { permissions: ["clipboard-read", "clipboard-write"] }, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    await quiet(page);
    terminal.print("selectable");
    await shows(page, "selectable");
    await page.locator(".xterm-screen").dblclick({ position: { x: 30, y: 10 } });
    await page.keyboard.press("Control+c");
    await page.waitForFunction(async () => (await navigator.clipboard.readText()) === "selectable");
    await page.keyboard.press("Control+c");
    await gateway.until(() => terminal.typed() === "\x03", "an interrupt");
    await page.keyboard.press("Control+v");
    await gateway.until(() => terminal.typed() === "\x03selectable", "the pasted text");
  });
});

test("without WebGL the DOM draws the same colours under the same policy", async () => {
  const plain = await launch("dom");
  try {
    await visit(plain, {}, async ({ page, gateway }) => {
      const terminal = await gateway.terminal();
      terminal.hello();
      terminal.print(SAMPLE + "\x1b[38;2;201;202;3mcoloured\x1b[0m");
      const coloured = page.locator(".xterm-rows span", { hasText: "coloured" }).first();
      await coloured.waitFor();
      assert.equal(await page.locator(".xterm-screen canvas:not(.xterm-decoration-overview-ruler)").count(), 0);
      assert.equal(await coloured.evaluate((span) => getComputedStyle(span).color), "rgb(201, 202, 3)");
      const red = page.locator(".xterm-rows span", { hasText: "red" }).first();
      assert.equal(await red.evaluate((span) => getComputedStyle(span).color), "rgb(255, 107, 107)");
      await screenshot(page, "desktop-dom");
    });
  } finally {
    await plain.close();
  }
});
