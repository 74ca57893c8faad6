// What the status says in each state; words only. A reason is shown as the gateway sent it, with a sentence for each class where there is none. Pure.

import type { End, Wait } from "./outcome.ts";
import type { State } from "./session.ts";

export type Tone = "busy" | "wait" | "end" | "bad";

export interface Words {
  tone: Tone;
  title: string;
  detail: string;
  /** The label of the button; none when nothing can be done. */
  action: string | undefined;
}

/** Undefined when there is nothing to say: the terminal is live. */
export function words(state: State, agent: string | undefined): Words | undefined {
  switch (state.kind) {
    case "live":
      return undefined;
    case "connecting":
      return { tone: "busy", title: agent === undefined ? "Connecting" : `Connecting to ${agent}`, detail: "", action: undefined };
    case "waking":
      return { tone: "busy", title: `Waking ${agent ?? "the agent"}`, detail: "This can take some seconds.", action: undefined };
    case "waiting":
      return waiting(state.wait, state.reason, agent);
    case "stopped":
      return stopped(state.end, state.reason);
  }
}

function waiting(wait: Wait, reason: string, agent: string | undefined): Words {
  switch (wait) {
    case "agent":
      return {
        tone: "wait",
        title: `Waiting for ${agent ?? "the agent"}`,
        detail: reason || "It is not ready yet. This page connects by itself as soon as it is.",
        action: "Try now",
      };
    case "asleep":
      return {
        tone: "wait",
        title: `${agent ?? "The agent"} is asleep`,
        detail: reason || "It sleeps because nobody used it. You can wake it.",
        action: "Wake agent",
      };
    case "limit":
      return {
        tone: "wait",
        title: "Too many requests",
        detail: reason || "This page will try again by itself.",
        action: undefined,
      };
    case "offline":
      return { tone: "wait", title: "You are offline", detail: "This page reconnects by itself when the network is back.", action: "Try now" };
    case "connection":
      return { tone: "wait", title: "Reconnecting", detail: reason, action: "Reconnect now" };
  }
}

function stopped(end: End, reason: string): Words {
  switch (end) {
    case "ended":
      return { tone: "end", title: "The session ended", detail: reason || "The program in the terminal has finished.", action: "Start again" };
    case "denied":
      return {
        tone: "bad",
        title: "This link no longer works",
        detail: reason || "It was turned off or has expired. Ask the person who shared it for a new one.",
        action: undefined,
      };
    case "forbidden":
      return {
        tone: "bad",
        title: "Not allowed from here",
        detail: reason || "This link can be used from certain networks only, and yours is not one of them.",
        action: "Try again",
      };
    case "defect":
      return {
        tone: "bad",
        title: "A defect ended the connection",
        detail: reason || "The page and the server misunderstood each other. Please report it.",
        action: "Reconnect",
      };
    case "hidden":
      return {
        tone: "bad",
        title: "There is nothing behind this link",
        detail: reason || "It may be mistyped, turned off, or expired. Ask the person who shared it for a new one.",
        action: undefined,
      };
  }
}
