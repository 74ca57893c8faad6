// The line about the link: what it says of what is known, and when the end is said aloud.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndWarning, presenceWords, wordsChangeInMs, type Presence } from "../../src/presence.ts";
import { isThisMachine } from "../../src/network.ts";

const MINUTE = 60_000;
const nothing: Presence = { access: "interact", viewers: undefined, leftMs: undefined };

test("what is not known is not said", () => {
  assert.deepEqual(presenceWords(nothing), []);
  assert.deepEqual(presenceWords({ ...nothing, viewers: { count: 1, typed: undefined } }), ["1 viewer"]);
  assert.deepEqual(presenceWords({ access: "view", viewers: { count: 12, typed: "ana" }, leftMs: 12 * MINUTE }), [
    "View only",
    "12 viewers",
    "ana typed last",
    "link ends in 12 min",
  ]);
});

test("the end is told in minutes, and far ends in hours or days", () => {
  const cases: Array<[number, string]> = [
    [0, "link ends now"],
    [1, "link ends in 1 min"],
    [MINUTE, "link ends in 1 min"],
    [MINUTE + 1, "link ends in 2 min"],
    [119 * MINUTE, "link ends in 119 min"],
    [120 * MINUTE, "link ends in 2 h"],
    [47.9 * 60 * MINUTE, "link ends in 47 h"],
    [49 * 60 * MINUTE, "link ends in 2 days"],
  ];
  for (const [leftMs, said] of cases) assert.deepEqual(presenceWords({ ...nothing, leftMs }), [said], String(leftMs));
});

test("the words are read again when the minute changes, and no more at the end", () => {
  assert.deepEqual([5 * MINUTE, 5 * MINUTE - 1, 1, 0, -1].map(wordsChangeInMs), [MINUTE, MINUTE - 1, 1, undefined, undefined]);
});

test("that the end comes near is said at 5 minutes and at 1, once each", () => {
  const warning = new EndWarning();
  const said = [7, 6, 5.01, 5, 4.5, 2, 1, 0.5, 0].map((minutes) => warning.due(minutes * MINUTE));
  const [five, one] = ["This link ends in 5 minutes.", "This link ends in 1 minute."];
  assert.deepEqual(said, [undefined, undefined, undefined, five, undefined, undefined, one, undefined, undefined]);
});

test("whoever comes late hears how much is left, and an end that was moved away is said anew", () => {
  const warning = new EndWarning();
  assert.equal(warning.due(3 * MINUTE), "This link ends in 3 minutes.");
  assert.equal(warning.due(60 * MINUTE), undefined);
  assert.equal(warning.due(5 * MINUTE), "This link ends in 5 minutes.");
  assert.equal(warning.due(undefined), undefined);
  assert.equal(warning.due(0.5 * MINUTE), "This link ends in 1 minute.");
});

test("a gateway on this machine is reached without a network", () => {
  for (const host of ["localhost", "demo.localhost", "127.0.0.1", "127.8.9.10", "[::1]"]) assert.ok(isThisMachine(host), host);
  for (const host of ["agents.example.com", "128.0.0.1", "127.0.0.1.example.com", "localhost.example.com", "[::2]"]) assert.ok(!isThisMachine(host), host);
});
