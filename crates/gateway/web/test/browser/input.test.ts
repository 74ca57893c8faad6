// Input on its way to a program that takes it slowly, in a real browser: credit, Ctrl-C, and a page that is left.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { INPUT_WINDOW_BYTES, type FakeGateway, type FakeTerminal } from "./gateway.ts";
import { launch, paste, quiet, visit } from "./visit.ts";

const MIB = 1024 * 1024;

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A text of `bytes` bytes in which each part is different, and some characters take three. */
function numbered(bytes: number): string {
  let text = "";
  for (let line = 0; text.length < bytes; line++) text += `漢 line ${line}\n`;
  const encoded = Buffer.from(text).subarray(0, bytes).toString();
  return encoded.replace(/\ufffd+$/, "");
}

/** Takes what came and grants credit for it, a little at a time, until `bytes` came in all. */
async function take(gateway: FakeGateway, terminal: FakeTerminal, bytes: number): Promise<void> {
  while (terminal.receivedBytes < bytes) {
    const before = terminal.receivedBytes;
    terminal.credit(Math.min(24_000, terminal.uncreditedBytes));
    await gateway.until(() => terminal.receivedBytes > before, `input after ${before} bytes`);
  }
}

/** Opens a terminal and pastes until the window is full. */
async function stuck(page: Page, gateway: FakeGateway, text: string): Promise<FakeTerminal> {
  const terminal = await gateway.terminal();
  terminal.hello();
  await quiet(page);
  await paste(page, text);
  await gateway.until(() => terminal.uncreditedBytes > INPUT_WINDOW_BYTES - 4, "a full window");
  return terminal;
}

test("8 MiB arrive whole and in order as credit comes, and acknowledgements and a new size pass them", async () => {
  await visit(browser, { reader: "off" }, async ({ page, gateway }) => {
    const text = numbered(8 * MIB);
    const length = Buffer.byteLength(text);
    const terminal = await stuck(page, gateway, text.replaceAll("\n", "\r"));
    await take(gateway, terminal, length / 2);

    // No credit from here on until both came.
    terminal.print("output in between");
    await gateway.until(() => terminal.acknowledged() > 0, "an acknowledgement past the paste");
    const sizes = terminal.sizes().length;
    await page.setViewportSize({ width: 900, height: 500 });
    await gateway.until(() => terminal.sizes().length > sizes, "a size past the paste");
    assert.ok(terminal.receivedBytes < length, "most of the paste still waits");

    await take(gateway, terminal, length);
    assert.ok(terminal.typed() === text.replaceAll("\n", "\r"), "whole, and in order");
    assert.ok(terminal.maxUncreditedBytes <= INPUT_WINDOW_BYTES, `${terminal.maxUncreditedBytes} bytes were sent without credit`);
    assert.ok(Math.max(...terminal.input.map(({ length }) => length)) <= 16 * 1024);
  });
});

test("Ctrl-C ends a paste: an interrupt overtakes it, what waited is dropped, and what is typed next arrives", async () => {
  await visit(browser, { reader: "off" }, async ({ page, gateway }) => {
    const terminal = await stuck(page, gateway, "x".repeat(8 * MIB));
    await take(gateway, terminal, MIB);
    await page.keyboard.press("Control+c");
    await gateway.until(() => terminal.order.includes("interrupt"), "the interrupt");
    const received = terminal.receivedBytes;
    await page.keyboard.type("next");
    terminal.credit(terminal.uncreditedBytes);
    await gateway.until(() => terminal.receivedBytes > received, "what is typed next");
    await gateway.until(() => terminal.typed().endsWith("next"), "all of it");
    assert.equal(terminal.receivedBytes, received + 4, "nothing else of the paste, and no byte for the interrupt");
    assert.ok(terminal.maxUncreditedBytes <= INPUT_WINDOW_BYTES);
  });
});

test("Ctrl-C is the ordinary byte once all input is credited", async () => {
  await visit(browser, { reader: "off" }, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    await quiet(page);
    await page.keyboard.type("ab");
    await gateway.until(() => terminal.typed() === "ab", "the typed text");
    terminal.credit(2);
    terminal.print("x");
    await gateway.until(() => terminal.acknowledged() === 1, "a page that has read the credit");
    await page.keyboard.press("Control+c");
    await gateway.until(() => terminal.typed() === "ab\x03", "the byte");
    assert.ok(!terminal.order.includes("interrupt"));
  });
});

const WAYS_TO_LEAVE: Record<string, (page: Page) => Promise<unknown>> = {
  reloaded: (page) => page.reload(),
  closed: (page) => page.close({ runBeforeUnload: true }),
};

for (const [way, leave] of Object.entries(WAYS_TO_LEAVE)) {
  test(`a page that is ${way} sends what credit allows, and closes cleanly after it`, async () => {
    await visit(browser, { reader: "off" }, async ({ page, gateway }) => {
      const terminal = await stuck(page, gateway, "x".repeat(MIB));
      terminal.credit(1000); // too little to be worth a message while the page stays
      terminal.print("x");
      await gateway.until(() => terminal.acknowledged() === 1, "a page that has read the credit");
      assert.equal(terminal.receivedBytes, INPUT_WINDOW_BYTES);
      await leave(page);
      await gateway.until(() => terminal.closeCode !== undefined, "the end of the connection");
      assert.equal(terminal.receivedBytes, INPUT_WINDOW_BYTES + 1000);
      assert.equal(terminal.closeCode, 1001);
    });
  });
}

test("an older gateway, which sends no credit, gets a large paste whole, in order, in messages of at most 16 KiB", async () => {
  await visit(browser, { reader: "off" }, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello({ input_window: undefined });
    await quiet(page);
    const text = Array.from({ length: 120_000 }, (_, i) => `漢${i}`).join("");
    const length = Buffer.byteLength(text);
    await paste(page, text);
    await gateway.until(() => terminal.input.reduce((sum, piece) => sum + piece.length, 0) >= length, "the whole paste");
    assert.equal(terminal.typed(), text);
    assert.ok(terminal.input.every((piece) => piece.length <= 16 * 1024));
    assert.ok(terminal.input.every((piece) => !piece.toString().includes("\ufffd")), "no character is cut");
  });
});

test("too large a paste is refused whole, and said", async () => {
  await visit(browser, { reader: "off" }, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    await quiet(page);
    await paste(page, "x".repeat(17 * 1024 * 1024));
    await page.getByText("too much to paste").waitFor();
    await page.keyboard.type("ok");
    await gateway.until(() => terminal.typed() === "ok", "what is typed afterwards, and nothing else");
  });
});
