// The text size at which a screen of another size fits this window.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedFontSize } from "../../src/letterbox.ts";

const CELL = { width: 8.4, height: 17 };
const SHARED = { cols: 120, rows: 40 };

test("a screen that fits is drawn in the viewer's own size, however large the window", () => {
  assert.equal(sharedFontSize(14, CELL, SHARED, { width: 1008, height: 680 }), 14);
  assert.equal(sharedFontSize(14, CELL, SHARED, { width: 4000, height: 3000 }), 14);
});

test("what is too wide or too high is drawn smaller, by whichever is shorter", () => {
  assert.equal(sharedFontSize(14, CELL, SHARED, { width: 504, height: 680 }), 7);
  assert.equal(sharedFontSize(14, CELL, SHARED, { width: 1008, height: 500 }), 10);
});

test("nothing is drawn smaller than can be read, unless the viewer's own text is", () => {
  assert.equal(sharedFontSize(14, CELL, SHARED, { width: 100, height: 100 }), 6);
  assert.equal(sharedFontSize(14, CELL, SHARED, { width: 0, height: 0 }), 6);
  assert.equal(sharedFontSize(4, CELL, SHARED, { width: 100, height: 100 }), 4);
});
