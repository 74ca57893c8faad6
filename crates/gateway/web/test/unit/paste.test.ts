// What a paste brings to the program: text, and nothing that acts as a key.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pastable } from "../../src/paste.ts";

test("text of any script, tabs and line ends are kept", () => {
  const text = "if x:\n\tprint('漢字 🙂 é')\n";
  assert.equal(pastable(text), text);
  assert.equal(pastable("unix\nwindows\r\nold\rend"), "unix\nwindows\nold\nend");
});

test("every control character but tab and line end is dropped: C0, DEL and C1", () => {
  const all = Array.from({ length: 0xa1 }, (_, code) => String.fromCharCode(code)).join("");
  const printable = Array.from({ length: 0x7f - 0x20 }, (_, i) => String.fromCharCode(0x20 + i)).join("");
  assert.equal(pastable(all), `\t\n\n${printable}\xa0`); // a line feed, and the carriage return as one
});

test("a paste cannot end its own brackets, nor be put together to do so", () => {
  for (const csi of ["\x1b[", "\x9b"]) {
    assert.equal(pastable(`safe${csi}201~rm -rf /\r`), "saferm -rf /\n");
    assert.equal(pastable(`${csi}200~text${csi}201~`), "text");
  }
  const nested = pastable("\x1b[20\x1b[201~1~\x03\x04");
  assert.equal(nested, "[201~");
});
