// What becomes of input and output on the way: pieces, keys, acknowledgements, requests of programs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AckMeter } from "../../src/acks.ts";
import { head } from "../../src/chunks.ts";
import { offeredText, preview } from "../../src/clipboard.ts";
import { clampFontSize, defaultFontSize, savedFontSize, saveFontSize } from "../../src/fontsize.ts";
import { encodeKey, isTyped, modifyTyped } from "../../src/keys.ts";
import { webAddress } from "../../src/links.ts";
import { shortcut } from "../../src/shortcuts.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("a piece is as long as the limit allows, and ends with a whole character", () => {
  for (const text of ["a", "abcdefgh", "aé漢🙂".repeat(50), "🙂".repeat(40)]) {
    for (const limit of [4, 5, 7, 64]) {
      const all = bytes(text);
      const piece = head(all, limit);
      assert.ok(piece.length <= limit && piece.length >= Math.min(all.length, limit - 3));
      assert.ok(text.startsWith(new TextDecoder("utf-8", { fatal: true }).decode(piece)));
    }
  }
});

test("bytes that are no text, or a character longer than the limit, are cut at the limit", () => {
  assert.equal(head(new Uint8Array(100).fill(0x80), 16).length, 16);
  assert.equal(head(bytes("🙂"), 2).length, 2);
});

test("acknowledgements are gathered, but never past half of the window", () => {
  const meter = new AckMeter();
  assert.equal(meter.drawn(131_071), "later");
  assert.equal(meter.drawn(1), "now");
  assert.equal(meter.take(), 131_072);
  assert.equal(meter.take(), 0);
  meter.setWindow(4096);
  assert.equal(meter.drawn(2047), "later");
  assert.equal(meter.drawn(1), "now");
});

test("keys of the touch bar are what a keyboard would send", () => {
  const none = { ctrl: false, alt: false };
  assert.equal(encodeKey("up", none, "normal"), "\x1b[A");
  assert.equal(encodeKey("up", none, "application"), "\x1bOA");
  assert.equal(encodeKey("left", { ctrl: true, alt: false }, "application"), "\x1b[1;5D");
  assert.equal(encodeKey("right", { ctrl: true, alt: true }, "normal"), "\x1b[1;7C");
  assert.equal(encodeKey("pageUp", none, "normal"), "\x1b[5~");
  assert.equal(encodeKey("pageDown", { ctrl: false, alt: true }, "normal"), "\x1b[6;3~");
  assert.equal(encodeKey("enter", { ctrl: false, alt: true }, "normal"), "\x1b\r");
  assert.equal(encodeKey("interrupt", none, "normal"), "\x03");
});

test("held modifiers change one typed character", () => {
  const ctrl = { ctrl: true, alt: false };
  assert.deepEqual(["c", "C", "[", " ", "?", "é", "1"].map((key) => modifyTyped(key, ctrl)), ["\x03", "\x03", "\x1b", "\x00", "\x7f", "é", "1"]);
  assert.equal(modifyTyped("x", { ctrl: false, alt: true }), "\x1bx");
  assert.equal(modifyTyped("x", { ctrl: true, alt: true }), "\x1b\x18");
  assert.deepEqual(["a", "🙂", "", "\x1b[A", "paste"].map(isTyped), [true, true, false, false, false]);
});

test("Ctrl-C copies only a selection, Ctrl-V is left to the browser, and a Mac keeps both for the program", () => {
  const press = (key: string, extra = {}) => ({ key, ctrlKey: true, shiftKey: false, altKey: false, metaKey: false, ...extra });
  assert.equal(shortcut(press("c"), "none", "other"), "terminal");
  assert.equal(shortcut(press("c"), "some", "other"), "copy");
  assert.equal(shortcut(press("C", { shiftKey: true }), "none", "other"), "copy");
  assert.equal(shortcut(press("v"), "none", "other"), "browser");
  assert.equal(shortcut(press("V", { shiftKey: true }), "none", "other"), "browser");
  assert.equal(shortcut(press("c"), "some", "mac"), "terminal");
  assert.equal(shortcut(press("v", { altKey: true }), "none", "other"), "terminal");
  assert.equal(shortcut(press("x"), "some", "other"), "terminal");
});

test("a program may offer text for the clipboard, and never ask for it", () => {
  assert.equal(offeredText("c;/w=="), undefined); // not UTF-8
  assert.equal(offeredText(`c;${Buffer.from("héllo").toString("base64")}`), "héllo");
  for (const payload of ["c;?", "c;", "aGVsbG8=", "c;%%%", `c;${"A".repeat(1024 * 1024 + 4)}`]) assert.equal(offeredText(payload), undefined);
  assert.equal(preview("  a\n\tb\u202e "), "a b");
  assert.equal([...preview("🙂".repeat(100))].length, 61);
});

test("only web addresses are opened", () => {
  assert.equal(webAddress("https://example.org/a")?.href, "https://example.org/a");
  for (const text of ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "nonsense"]) assert.equal(webAddress(text), undefined);
});

test("the text size is kept within bounds, and a store that refuses costs nothing", () => {
  assert.deepEqual([defaultFontSize(360), defaultFontSize(1280)], [12, 14]);
  assert.deepEqual([clampFontSize(1), clampFontSize(13.4), clampFontSize(99)], [8, 13, 32]);
  const kept = new Map<string, string>();
  const store = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
  assert.equal(savedFontSize(store), undefined);
  saveFontSize(store, 17);
  assert.equal(savedFontSize(store), 17);
  const refusing = { getItem: () => { throw new Error("no"); }, setItem: () => { throw new Error("no"); } };
  saveFontSize(refusing, 17);
  assert.equal(savedFontSize(refusing), undefined);
});
