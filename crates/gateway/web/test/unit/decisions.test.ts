// What the page decides: when to try again, when to stop, what a message means.
import assert from "node:assert/strict";
import { test } from "node:test";
import { endpoints } from "../../src/address.ts";
import { Backoff, retryAfterMs } from "../../src/backoff.ts";
import { afterClose, afterInfo, afterWake, type InfoAnswer, type Since } from "../../src/outcome.ts";
import { ackMessage, interruptMessage, readErrorMessage, readServerMessage, resizeMessage } from "../../src/protocol.ts";
import { returnMayHelp } from "../../src/session.ts";
import { pageTitle } from "../../src/title.ts";
import { words } from "../../src/wording.ts";

const answer = (status: number, extra: Partial<InfoAnswer> = {}): InfoAnswer => ({ status, message: "m", reason: "", retryAfterMs: undefined, ...extra });
/** Nothing happened to the page yet. */
const never: Since = { unknownMs: 0, wokenMs: Infinity };

test("endpoints keep the token's path, and drop query, fragment and trailing slash", () => {
  assert.deepEqual(endpoints(new URL("https://h.example:8443/s/TOKEN/?a=b#c")), {
    info: "https://h.example:8443/s/TOKEN/info",
    terminal: "wss://h.example:8443/s/TOKEN/terminal",
    wake: "https://h.example:8443/s/TOKEN/wake",
  });
  assert.equal(endpoints(new URL("http://h/proxy/s/T")).terminal, "ws://h/proxy/s/T/terminal");
});

test("delays double up to a cap, and jitter takes away at most half", () => {
  const least = new Backoff(() => 0);
  assert.deepEqual(Array.from({ length: 8 }, () => least.next()), [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  const most = new Backoff(() => 1);
  assert.deepEqual(Array.from({ length: 8 }, () => most.next()), [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
});

test("a reset starts the delays anew", () => {
  const backoff = new Backoff(() => 1);
  backoff.next();
  backoff.next();
  backoff.reset();
  assert.equal(backoff.next(), 500);
});

test("coming back at once is granted three times, then it backs off", () => {
  const backoff = new Backoff(() => 1);
  assert.deepEqual([backoff.soon(), backoff.soon(), backoff.soon(), backoff.soon()], [250, 250, 250, 4000]);
});

test("a terminal that can be resumed is tried at once, then up to each second for a minute, each two for five, and then like any other", () => {
  const pauses = (random: number, breakMs: number, count: number) => {
    const backoff = new Backoff(() => random);
    return Array.from({ length: count }, () => backoff.next(breakMs));
  };
  assert.deepEqual(pauses(1, 0, 6), [250, 250, 500, 1000, 1000, 1000]);
  assert.deepEqual(pauses(0, 59_999, 6), [0, 125, 250, 500, 500, 500]);
  assert.deepEqual(pauses(1, 60_000, 6), [250, 250, 500, 1000, 2000, 2000]);
  assert.deepEqual(pauses(1, 299_999, 6), [250, 250, 500, 1000, 2000, 2000]);
  const late = new Backoff(() => 1);
  for (let attempt = 0; attempt < 2000; attempt += 1) late.next(0);
  assert.deepEqual([late.next(0), late.next(60_000), late.next(300_000)], [1000, 2000, 20_000]);
  const draining = new Backoff(() => 1);
  assert.deepEqual([0, 0, 0, 0, 0].map((breakMs) => draining.soon(breakMs)), [250, 250, 250, 1000, 1000]);
});

test("a time the server named is never undercut", () => {
  assert.equal(new Backoff(() => 0).atLeast(5000), 5000);
  assert.equal(new Backoff(() => 1).atLeast(5000), 6000);
});

test("Retry-After is read as seconds or a date, and bounded", () => {
  const now = Date.parse("2026-01-02T03:04:05Z");
  const cases: Array<[string | null, number | undefined]> = [
    [null, undefined],
    ["5", 5000],
    [" 0 ", 0],
    ["Fri, 02 Jan 2026 03:04:15 GMT", 10_000],
    ["Fri, 02 Jan 2026 03:04:00 GMT", 0],
    ["999999", 600_000],
    ["soon", undefined],
  ];
  for (const [header, expected] of cases) assert.equal(retryAfterMs(header, now), expected, String(header));
});

test("an answer about the link leads to connecting, waiting or stopping", () => {
  const backoff = { kind: "backoff" };
  assert.deepEqual(afterInfo(answer(200), "fresh", never), { do: "open" });
  assert.deepEqual(afterInfo(answer(404), "fresh", never), { do: "stop", end: "hidden", reason: "m" });
  assert.deepEqual(afterInfo(answer(403), "seen", never), { do: "stop", end: "forbidden", reason: "m" });
  assert.deepEqual(afterInfo(answer(429, { retryAfterMs: 7 }), "fresh", never), { do: "retry", wait: "limit", reason: "m", delay: { kind: "atLeast", ms: 7 } });
  assert.deepEqual(afterInfo(answer(503), "fresh", never), { do: "retry", wait: "agent", reason: "m", delay: backoff });
  assert.deepEqual(afterInfo(answer(0), "fresh", never), { do: "retry", wait: "connection", reason: "The server cannot be reached.", delay: backoff });
  assert.deepEqual(afterInfo(answer(502), "fresh", never), { do: "retry", wait: "connection", reason: "The server answered with status 502.", delay: backoff });
});

test("a link that worked is asked for again for longer than a gateway can be cut off unawares, and then was turned off", () => {
  const again = { do: "retry", wait: "connection", reason: "The server does not find the terminal at the moment.", delay: { kind: "atLeast", ms: 5000 } };
  for (const unknownMs of [0, 5000, 14_999]) assert.deepEqual(afterInfo(answer(404), "seen", { ...never, unknownMs }), again);
  assert.deepEqual(afterInfo(answer(404), "seen", { ...never, unknownMs: 15_000 }), { do: "stop", end: "denied", reason: "m" });
});

test("an agent that sleeps is offered to be woken, but for the moments after that", () => {
  const asleep = answer(503, { reason: "Asleep", retryAfterMs: 3000 });
  const offer = { do: "retry", wait: "asleep", reason: "m", delay: { kind: "atLeast", ms: 15_000 } };
  for (const history of ["fresh", "seen"] as const) assert.deepEqual(afterInfo(asleep, history, never), offer);
  const waking = { do: "retry", wait: "agent", reason: "It is waking up.", delay: { kind: "backoff" } };
  assert.deepEqual(afterInfo(asleep, "fresh", { ...never, wokenMs: 9999 }), waking);
  assert.deepEqual(afterInfo(asleep, "fresh", { ...never, wokenMs: 10_000 }), offer);
  assert.deepEqual(afterInfo(answer(503, { reason: "Suspended" }), "fresh", never), { do: "retry", wait: "agent", reason: "m", delay: { kind: "backoff" } });
});

test("whoever woke the agent goes on, and where nobody did may try again", () => {
  for (const other of [answer(202), answer(404), answer(403), answer(503, { reason: "Suspended" })]) assert.deepEqual(afterWake(other), { do: "open" });
  const again = (reason: string) => ({ do: "retry", wait: "asleep", reason, delay: { kind: "atLeast", ms: 15_000 } });
  for (const status of [429, 500, 502, 503]) assert.deepEqual(afterWake(answer(status)), again("m"), String(status));
  assert.deepEqual(afterWake(answer(0, { message: "" })), again("The server did not answer. Try again in a moment."));
  assert.deepEqual(words({ kind: "waiting", wait: "asleep", reason: "nobody woke it", delayMs: 0 }, "dev"), {
    tone: "wait",
    title: "dev is asleep",
    detail: "nobody woke it",
    action: "Wake agent",
  });
});

test("who comes back tries again whatever that may help", () => {
  const waits = (["agent", "asleep", "connection", "offline", "limit"] as const).map((wait) => returnMayHelp({ kind: "waiting", wait, reason: "", delayMs: 0 }));
  assert.deepEqual(waits, [true, true, true, true, false]);
  const ends = (["hidden", "denied", "forbidden", "ended", "defect"] as const).map((end) => returnMayHelp({ kind: "stopped", end, reason: "" }));
  assert.deepEqual(ends, [true, false, false, false, false]);
  assert.ok(!returnMayHelp({ kind: "live", start: "anew" }));
});

test("a close code leads to an end, a return or a wait", () => {
  const step = (code: number, reason = "r", exit?: string) => afterClose({ code, reason, exit });
  assert.deepEqual(step(1000, "r", "exit 0"), { do: "stop", end: "ended", reason: "exit 0" });
  assert.deepEqual(step(1000), { do: "stop", end: "ended", reason: "r" });
  assert.deepEqual(step(1008), { do: "stop", end: "denied", reason: "r" });
  for (const code of [1002, 1007, 1009]) assert.deepEqual(step(code), { do: "stop", end: "defect", reason: "r" });
  assert.deepEqual(step(1001), { do: "retry", wait: "connection", reason: "r", delay: { kind: "soon" } });
  assert.deepEqual(step(1013), { do: "retry", wait: "agent", reason: "r", delay: { kind: "backoff" } });
  assert.deepEqual(step(1006, ""), { do: "retry", wait: "connection", reason: "The connection was lost.", delay: { kind: "backoff" } });
});

test("only known and well-formed messages are read", () => {
  assert.deepEqual(readServerMessage('{"type":"hello","agent":{"name":"a","namespace":"n"},"window":1024,"input_window":65536,"silence_ms":25000}'), {
    type: "hello",
    agent: { name: "a", namespace: "n" },
    window: 1024,
    inputWindow: 65_536,
    silenceMs: 25_000,
    link: { access: "interact", endsInMs: undefined },
    resume: undefined,
  });
  assert.deepEqual(readServerMessage('{"type":"hello","agent":{"name":1},"window":-1,"input_window":"x"}'), {
    type: "hello",
    agent: undefined,
    window: 262_144,
    inputWindow: undefined,
    silenceMs: undefined,
    link: { access: "interact", endsInMs: undefined },
    resume: undefined,
  });
  assert.deepEqual(readServerMessage('{"type":"heartbeat"}'), { type: "heartbeat" });
  assert.deepEqual(readServerMessage('{"type":"credit","bytes":4096}'), { type: "credit", bytes: 4096 });
  assert.deepEqual(readServerMessage('{"type":"credit","bytes":-1}'), { type: "credit", bytes: 0 });
  assert.deepEqual(readServerMessage('{"type":"exit","code":0,"message":" done "}'), { type: "exit", code: 0, message: "done" });
  assert.deepEqual(readServerMessage('{"type":"notice"}'), { type: "notice", message: "" });
  assert.deepEqual(readServerMessage('{"type":"link","access":"view","ends_in_ms":0}'), { type: "link", link: { access: "view", endsInMs: 0 } });
  assert.deepEqual(readServerMessage('{"type":"link","access":"dance","ends_in_ms":"soon"}'), { type: "link", link: { access: "interact", endsInMs: undefined } });
  assert.deepEqual(readServerMessage('{"type":"viewers","count":2}'), { type: "viewers", viewers: { count: 2, typed: undefined } });
  assert.deepEqual(readServerMessage(JSON.stringify({ type: "viewers", count: 3, typed: "x".repeat(1000) })), { type: "viewers", viewers: { count: 3, typed: "x".repeat(40) } });
  assert.deepEqual(readServerMessage('{"type":"screen","cols":80,"rows":24}'), { type: "screen", size: { cols: 80, rows: 24 } });
  assert.deepEqual(readServerMessage('{"type":"screen","cols":80}'), { type: "screen", size: undefined });
  for (const text of ['{"type":"viewers","count":0}', '{"type":"dance"}', "[]", "null", "{", '"hello"']) assert.equal(readServerMessage(text), undefined, text);
});

test("a terminal can be resumed where the gateway names it well and credits input", () => {
  const resume = (resume: unknown, more: object = { input_window: 8 }) => {
    const message = readServerMessage(JSON.stringify({ type: "hello", resume, ...more }));
    return message?.type === "hello" ? message.resume : assert.fail("no hello");
  };
  const good = { terminal: "00ff000000000001", typed: 0 };
  assert.deepEqual(resume(good), good);
  assert.deepEqual(resume({ ...good, typed: Number.MAX_SAFE_INTEGER }), { ...good, typed: Number.MAX_SAFE_INTEGER });
  const bad = [null, 7, {}, { ...good, terminal: 255 }, { ...good, terminal: "ff" }, { ...good, typed: -1 }, { ...good, typed: 0.5 }, { ...good, typed: 2 ** 53 }];
  for (const each of bad) assert.equal(resume(each), undefined, JSON.stringify(each));
  assert.equal(resume(good, {}), undefined, "nothing is credited");
});

test("where the output is is told in whole bytes, or not at all", () => {
  const read = (fields: object) => readServerMessage(JSON.stringify({ type: "position", ...fields }));
  assert.deepEqual(read({ position: 5, screen_bytes: 0 }), { type: "position", position: 5, screenBytes: 0 });
  for (const bad of [{}, { position: 5 }, { position: -1, screen_bytes: 0 }, { position: 5, screen_bytes: 1.5 }]) assert.equal(read(bad), undefined, JSON.stringify(bad));
});

test("messages to the gateway have the agreed shape", () => {
  assert.equal(resizeMessage({ cols: 120, rows: 40 }), '{"type":"resize","cols":120,"rows":40}');
  const join = { viewer: "0f", terminal: undefined, drawn: undefined, typed_from: 1, typed_to: 3, interrupts: 2 };
  assert.equal(resizeMessage({ cols: 1, rows: 2 }, join), '{"type":"resize","cols":1,"rows":2,"join":{"viewer":"0f","typed_from":1,"typed_to":3,"interrupts":2}}');
  assert.equal(ackMessage(12_345), '{"type":"ack","bytes":12345}');
  assert.equal(interruptMessage(), '{"type":"interrupt"}');
});

test("an error body gives one sentence, bounded, or none", () => {
  assert.equal(readErrorMessage('{"message":"not ready"}'), "not ready");
  assert.equal(readErrorMessage("<html>"), "");
  assert.equal(readErrorMessage(JSON.stringify({ message: "x".repeat(1000) })).length, 300);
});

test("the title begins with the agent's name and carries no control characters", () => {
  assert.equal(pageTitle(undefined, ""), "Agent terminal");
  assert.equal(pageTitle("dev", ""), "dev");
  assert.equal(pageTitle("dev", "OC |\u0007 fix\u202e it"), "dev – OC |  fix  it");
});

test("every way to stop or wait has words of its own, and only dead ends have no button", () => {
  const ends = ["ended", "hidden", "forbidden", "denied", "defect"] as const;
  const said = ends.map((end) => words({ kind: "stopped", end, reason: "" }, "dev"));
  assert.equal(words({ kind: "live", start: "anew" }, "dev"), undefined);
  assert.deepEqual(said.map((text) => text?.action), ["Start again", undefined, "Try again", undefined, "Reconnect"]);
  assert.equal(new Set(said.map((text) => text?.title)).size, ends.length);
  const titles = (["agent", "asleep", "connection", "offline", "limit"] as const).map((wait) => words({ kind: "waiting", wait, reason: "", delayMs: 0 }, "dev")?.title);
  assert.deepEqual(titles, ["Waiting for dev", "dev is asleep", "Reconnecting", "You are offline", "Too many requests"]);
});

test("a reason that no page has heard of is shown as sent, in every class", () => {
  const reason = "the link sleeps on Sundays";
  const steps = [
    ...[404, 403, 503, 429].map((status) => afterInfo(answer(status, { message: reason }), "fresh", never)),
    ...[1000, 1001, 1002, 1007, 1008, 1009, 1013].map((code) => afterClose({ code, reason, exit: undefined })),
  ];
  for (const step of steps) {
    if (step.do === "open") assert.fail("a denial");
    const state = step.do === "stop" ? ({ kind: "stopped", ...step } as const) : ({ kind: "waiting", delayMs: 0, ...step } as const);
    assert.equal(words(state, "dev")?.detail, reason);
  }
});

test("a class without a reason has a sentence of its own", () => {
  for (const end of ["ended", "hidden", "forbidden", "denied", "defect"] as const) assert.match(words({ kind: "stopped", end, reason: "" }, undefined)?.detail ?? "", /\w.*\.$/);
  for (const wait of ["agent", "asleep", "limit"] as const) assert.match(words({ kind: "waiting", wait, reason: "", delayMs: 0 }, undefined)?.detail ?? "", /\w.*\.$/);
});
