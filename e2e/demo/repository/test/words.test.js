import assert from "node:assert/strict";
import test from "node:test";
import { count } from "../src/words.js";

test("the most frequent words come first", () => {
  assert.deepEqual(count("a b a"), [["a", 2], ["b", 1]]);
});

test("equals stand in the order of the alphabet", () => {
  assert.deepEqual(count("pear Apple"), [["apple", 1], ["pear", 1]]);
});

test("a text without words has none", () => {
  assert.deepEqual(count("1, 2!"), []);
});
