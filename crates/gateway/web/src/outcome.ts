// What follows from an answer or a closed connection; it decides and must not act. Pure.

import { Close } from "./protocol.ts";

export type Delay = { kind: "backoff" } | { kind: "soon" } | { kind: "atLeast"; ms: number };

/**
 * Why the page is going to try again: the class Wait of denials, an agent that sleeps until somebody wakes it, a connection
 * that failed, a device without a network, or too many requests.
 */
export type Wait = "agent" | "asleep" | "connection" | "offline" | "limit";

/**
 * Why the page stopped trying: the program ended; the classes Hidden and Forbidden of denials; either of them where there
 * had been a session (`denied`); a message that page and gateway read differently (`defect`).
 */
export type End = "ended" | "hidden" | "forbidden" | "denied" | "defect";

export type Step =
  | { do: "open" }
  | { do: "retry"; wait: Wait; reason: string; delay: Delay }
  | { do: "stop"; end: End; reason: string };

/** The answer of `/info`: `status` 0 means that there was none. */
export interface InfoAnswer {
  status: number;
  message: string;
  /** The gateway's stable word for a refusal. */
  reason: string;
  retryAfterMs: number | undefined;
}

/** Whether this page has shown the terminal before. */
export type History = "fresh" | "seen";

/**
 * A link that worked and is now unknown was turned off, or made after this gateway was cut off from the cluster. Such a
 * gateway learns of the cut within 9 s, and answers 503 from then on: until after that the page asks again.
 */
const DOUBT_MS = 15_000;
const ASK_AGAIN_MS = 5000;

/** How often the page of a sleeping agent looks whether somebody else woke it. */
const ASLEEP_MS = 15_000;
/** For so long after the agent was woken another gateway may not have heard of it. */
const WAKING_MS = 10_000;

/** How long ago something happened to this page, in milliseconds. */
export interface Since {
  /** The link was first 404 since there was a terminal. */
  unknownMs: number;
  /** The viewer woke the agent. */
  wokenMs: number;
}

/** Matches the class of a denial, and that an agent sleeps, which the viewer can change; nothing finer: the texts are the gateway's. */
export function afterInfo(answer: InfoAnswer, history: History, { unknownMs, wokenMs }: Since): Step {
  const { status, message } = answer;
  if (status >= 200 && status < 300) return { do: "open" };
  switch (status) {
    case 404:
      if (history === "fresh") return { do: "stop", end: "hidden", reason: message };
      if (unknownMs >= DOUBT_MS) return { do: "stop", end: "denied", reason: message };
      return { do: "retry", wait: "connection", reason: "The server does not find the terminal at the moment.", delay: { kind: "atLeast", ms: ASK_AGAIN_MS } };
    case 403:
      return { do: "stop", end: "forbidden", reason: message };
    case 429:
      return { do: "retry", wait: "limit", reason: message, delay: asAsked(answer) };
    case 503:
      if (answer.reason === "Asleep") return asleep(message, wokenMs);
      return { do: "retry", wait: "agent", reason: message, delay: asAsked(answer) };
    case 0:
      return { do: "retry", wait: "connection", reason: "The server cannot be reached.", delay: { kind: "backoff" } };
    default:
      return { do: "retry", wait: "connection", reason: `The server answered with status ${status}.`, delay: asAsked(answer) };
  }
}

function asleep(message: string, wokenMs: number): Step {
  if (wokenMs < WAKING_MS) return { do: "retry", wait: "agent", reason: "It is waking up.", delay: { kind: "backoff" } };
  return { do: "retry", wait: "asleep", reason: message, delay: { kind: "atLeast", ms: ASLEEP_MS } };
}

/** The answer to a viewer who woke the agent. Where nobody did, the viewer may try again; whatever else is wrong, the link's answer tells. */
export function afterWake(answer: InfoAnswer): Step {
  const { status, message, reason } = answer;
  const nobody = status === 0 || status === 429 || (status >= 500 && reason !== "Suspended");
  if (!nobody) return { do: "open" };
  const said = message || "The server did not answer. Try again in a moment.";
  return { do: "retry", wait: "asleep", reason: said, delay: { kind: "atLeast", ms: ASLEEP_MS } };
}

export interface Closed {
  code: number;
  reason: string;
  /** What the last `exit` message said, if there was one. */
  exit: string | undefined;
}

export function afterClose({ code, reason, exit }: Closed): Step {
  switch (code) {
    case Close.ended:
      return { do: "stop", end: "ended", reason: exit || reason };
    case Close.denied:
      return { do: "stop", end: "denied", reason };
    case Close.protocol:
    case Close.invalidText:
    case Close.tooBig:
      return { do: "stop", end: "defect", reason };
    case Close.draining:
      return { do: "retry", wait: "connection", reason: reason || "The server is restarting.", delay: { kind: "soon" } };
    case Close.tryLater:
      return { do: "retry", wait: "agent", reason, delay: { kind: "backoff" } };
    default:
      return { do: "retry", wait: "connection", reason: reason || "The connection was lost.", delay: { kind: "backoff" } };
  }
}

function asAsked({ retryAfterMs }: InfoAnswer): Delay {
  return retryAfterMs === undefined ? { kind: "backoff" } : { kind: "atLeast", ms: retryAfterMs };
}
