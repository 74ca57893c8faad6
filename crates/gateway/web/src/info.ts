// Asks the gateway about the link before each attempt, as a script cannot see why a WebSocket was refused; and asks it to wake the agent.

import { retryAfterMs } from "./backoff.ts";
import type { InfoAnswer } from "./outcome.ts";
import { readAgent, readErrorMessage, readErrorReason, type Agent } from "./protocol.ts";

const ANSWER_WITHIN_MS = 10_000;
/** The gateway waits up to 15 s for the agent to be seen awake, and 2 s for its own watch. */
const WOKEN_WITHIN_MS = 25_000;

export interface Info {
  answer: InfoAnswer;
  agent: Agent | undefined;
}

/** Never rejects: no answer is status 0. */
export async function askInfo(url: string): Promise<Info> {
  const { answer, body } = await ask(url, ANSWER_WITHIN_MS, { headers: { accept: "application/json" } });
  return { answer, agent: answer.status === 200 ? readAgent(parse(body)) : undefined };
}

/** Asks for a sleeping agent: only ever because the viewer wants it. Never rejects. */
export async function askToWake(url: string): Promise<InfoAnswer> {
  const headers = { accept: "application/json", "content-type": "application/json" };
  return (await ask(url, WOKEN_WITHIN_MS, { method: "POST", headers, body: "{}" })).answer;
}

async function ask(url: string, withinMs: number, request: RequestInit): Promise<{ answer: InfoAnswer; body: string }> {
  try {
    const response = await fetch(url, {
      ...request,
      cache: "no-store",
      credentials: "same-origin",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(withinMs),
    });
    const body = await response.text();
    const answer = {
      status: response.status,
      message: response.ok ? "" : readErrorMessage(body),
      reason: response.ok ? "" : readErrorReason(body),
      retryAfterMs: retryAfterMs(response.headers.get("retry-after"), Date.now()),
    };
    return { answer, body };
  } catch {
    return { answer: { status: 0, message: "", reason: "", retryAfterMs: undefined }, body: "" };
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
