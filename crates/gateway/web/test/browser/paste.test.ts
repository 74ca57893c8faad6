// Every way of pasting, in a real browser: what comes with the text and would act as a key does not arrive; what is typed does.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launch, paste, quiet, visit, type VisitOptions } from "./visit.ts";

/** An end of brackets, Ctrl-C, Escape, DEL and a C1 among a tab and two lines. */
const COPIED = "a\tb\x1b[201~\x03\x1b\x7f\u0090\u009b201~c\r\nd";
const PASTED = "a\tbc\rd";
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** The clipboard of a browser keeps to text, so this one is made. */
const copied = (page: Page, text: string) =>
  page.addInitScript((held) => {
    Object.defineProperty(navigator.clipboard, "readText", { value: async () => held });
  }, text);

const WAYS: Record<string, { options?: VisitOptions; act: (page: Page) => Promise<void> }> = {
  "the browser's own paste": { act: (page) => paste(page, COPIED) },
  "the touch bar": { options: PHONE, act: (page) => page.getByRole("button", { name: "Paste" }).tap() },
  "a keyboard that inserts what was copied": {
    act: (page) =>
      page.evaluate((data) => {
        const inserted = new InputEvent("beforeinput", { inputType: "insertFromPaste", data, bubbles: true, cancelable: true });
        document.activeElement?.dispatchEvent(inserted);
        if (!inserted.defaultPrevented) throw new Error("the browser would insert it too");
      }, COPIED),
  },
};

for (const [way, { options, act }] of Object.entries(WAYS)) {
  test(`${way} brings text without control characters, bracketed where the program asks for it`, async () => {
    const prepare = async (page: Page) => void (await copied(page, COPIED));
    await visit(browser, { ...options, prepare }, async ({ page, gateway }) => {
      const terminal = await gateway.terminal();
      terminal.hello();
      await quiet(page);
      await act(page);
      await gateway.until(() => terminal.typed().length >= PASTED.length, "the paste");
      assert.equal(terminal.typed(), PASTED);
      terminal.print("\x1b[?2004h\x1b[c");
      await gateway.until(() => terminal.typed().endsWith("\x1b[?1;2c"), "a page that has read the mode");
      const before = terminal.typed().length;
      await act(page);
      const bracketed = `\x1b[200~${PASTED}\x1b[201~`;
      await gateway.until(() => terminal.typed().length >= before + bracketed.length, "the second paste");
      assert.equal(terminal.typed().slice(before), bracketed);
    });
  });
}

test("Ctrl-V brings the clipboard the same way, and what is typed is not touched", async () => {
  await visit(browser, { permissions: ["clipboard-read", "clipboard-write"] }, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    await quiet(page);
    await page.evaluate(() => navigator.clipboard.writeText("one\x1b[31m\x07two"));
    await page.keyboard.press("Control+v");
    await gateway.until(() => terminal.typed().endsWith("two"), "the paste");
    assert.equal(terminal.typed(), "one[31mtwo");
    for (const key of ["Escape", "Control+d", "Tab", "Backspace", "Alt+x"]) await page.keyboard.press(key);
    await gateway.until(() => terminal.typed().endsWith("x"), "the keys");
    assert.equal(terminal.typed(), "one[31mtwo\x1b\x04\t\x7f\x1bx");
  });
});

test("a held Ctrl waits for a typed character: a pasted one is text", async () => {
  await visit(browser, PHONE, async ({ page, gateway }) => {
    const terminal = await gateway.terminal();
    terminal.hello();
    await quiet(page);
    await page.getByRole("button", { name: "Control, for the next key" }).tap();
    await paste(page, "c");
    await page.keyboard.type("c");
    await gateway.until(() => terminal.typed().length >= 2 || terminal.order.includes("interrupt"), "both");
    assert.equal(terminal.typed()[0], "c");
  });
});
