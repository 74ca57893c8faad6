// Asks the gateway about the link before each attempt: a script cannot see why a WebSocket was refused.

import { retryAfterMs } from "./backoff.ts";
import type { InfoAnswer } from "./outcome.ts";
import { readAgent, readErrorMessage, type Agent } from "./protocol.ts";

const ANSWER_WITHIN_MS = 10_000;

export interface Info {
  answer: InfoAnswer;
  agent: Agent | undefined;
}

/** Never rejects: no answer is status 0. */
export async function askInfo(url: string): Promise<Info> {
  try {
    const response = await fetch(url, {
      headers: { accept: "application/json" },
      cache: "no-store",
      credentials: "same-origin",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const body = await response.text();
    return {
      agent: response.ok ? readAgent(parse(body)) : undefined,
      answer: {
        status: response.status,
        message: response.ok ? "" : readErrorMessage(body),
        retryAfterMs: retryAfterMs(response.headers.get("retry-after"), Date.now()),
      },
    };
  } catch {
    return { agent: undefined, answer: { status: 0, message: "", retryAfterMs: undefined } };
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
