// Keeps one terminal session going: asks, connects, waits and tries again; how that looks is not its business.

import type { Endpoints } from "./address.ts";
import { Backoff, STABLE_MS } from "./backoff.ts";
import { Connection } from "./connection.ts";
import { askInfo, askToWake } from "./info.ts";
import { afterClose, afterInfo, afterWake, type Delay, type End, type History, type Step, type Wait } from "./outcome.ts";
import type { Agent, Size } from "./protocol.ts";

export type State =
  | { kind: "connecting" }
  | { kind: "live" }
  /** The viewer asked for an agent that sleeps. */
  | { kind: "waking" }
  | { kind: "waiting"; wait: Wait; reason: string; delayMs: number }
  | { kind: "stopped"; end: End; reason: string };

/** Whether trying at once may help where the network or the viewer came back. */
export function returnMayHelp(state: State): boolean {
  // Where there was no terminal yet, the gateway may not have heard of the link when it was asked.
  if (state.kind === "stopped") return state.end === "hidden";
  return state.kind === "waiting" && state.wait !== "limit";
}

/** Whether the viewer is asked to wake the agent. */
export function isAsleep(state: State): boolean {
  return state.kind === "waiting" && state.wait === "asleep";
}

/** What a session draws on. */
export interface Screen {
  size(): Size;
  /** Empties the screen for a session that starts anew. */
  reset(): void;
  write(bytes: Uint8Array, drawn: () => void): void;
  /** Resolves when everything written so far is parsed. */
  settled(): Promise<void>;
}

export interface SessionEvents {
  state(state: State): void;
  agent(agent: Agent): void;
  notice(message: string): void;
}

export class Session {
  readonly #backoff = new Backoff(Math.random);
  #state: State = { kind: "connecting" };
  #history: History = "fresh";
  /** When the link was first unknown since there was a terminal. */
  #unknownSinceMs: number | undefined;
  #wokenAtMs = -Infinity;
  /** Counts attempts: the answer to a former one says nothing any more. */
  #turn = 0;
  #connection: Connection | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly at: Endpoints,
    private readonly screen: Screen,
    private readonly events: SessionEvents,
  ) {}

  start(): void {
    void this.#attempt();
  }

  /** The viewer pressed the button: wakes an agent that sleeps, and otherwise tries at once. */
  act(): void {
    if (isAsleep(this.#state)) void this.#wake();
    else this.retryNow();
  }

  /** Tries now what would be tried later: the viewer asked, or the network came back. It wakes nobody. */
  retryNow(): void {
    if (this.#state.kind !== "waiting" && this.#state.kind !== "stopped") return;
    clearTimeout(this.#timer);
    void this.#attempt();
  }

  get state(): State {
    return this.#state;
  }

  /** What is typed while there is no terminal is dropped: nobody knows which program would read it later. */
  input(bytes: Uint8Array): "taken" | "refused" {
    return this.#state.kind === "live" && this.#connection ? this.#connection.input(bytes) : "taken";
  }

  /** Sends at once what may be sent: the page is about to be hidden or closed. */
  flush(): void {
    this.#connection?.flush();
  }

  resize(size: Size): void {
    this.#connection?.resize(size);
  }

  async #wake(): Promise<void> {
    clearTimeout(this.#timer);
    this.#turn += 1;
    this.#enter({ kind: "waking" });
    const step = afterWake(await askToWake(this.at.wake));
    if (step.do !== "open") return this.#follow(step);
    this.#wokenAtMs = performance.now();
    this.#backoff.reset();
    await this.#attempt();
  }

  async #attempt(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    // Who is about to press the button must not lose it to a look at whether the agent still sleeps.
    if (!isAsleep(this.#state)) this.#enter({ kind: "connecting" });
    const { answer, agent } = await askInfo(this.at.info);
    if (turn !== this.#turn) return;
    if (agent !== undefined) this.events.agent(agent);
    const now = performance.now();
    if (answer.status === 404) this.#unknownSinceMs ??= now;
    const since = { unknownMs: now - (this.#unknownSinceMs ?? now), wokenMs: now - this.#wokenAtMs };
    const step = afterInfo(answer, this.#history, since);
    if (step.do !== "open") return this.#follow(step);
    if (isAsleep(this.#state)) this.#enter({ kind: "connecting" });
    this.#follow(await this.#attach());
  }

  /** Lives as long as the connection does; says what comes next. */
  async #attach(): Promise<Step> {
    // Answers to a former session's questions must not reach the next one as typed text.
    await this.screen.settled();
    let stable: ReturnType<typeof setTimeout> | undefined;
    const connection = new Connection(this.at.terminal, this.screen.size(), {
      opened: () => {
        stable = setTimeout(() => this.#backoff.reset(), STABLE_MS);
        this.#history = "seen";
        this.#unknownSinceMs = undefined;
        this.screen.reset();
        this.#enter({ kind: "live" });
      },
      message: (message) => {
        if (message.type === "hello" && message.agent) this.events.agent(message.agent);
        if (message.type === "notice" && message.message) this.events.notice(message.message);
      },
      output: (bytes, drawn) => this.screen.write(bytes, drawn),
    });
    this.#connection = connection;
    const closed = await connection.closed;
    clearTimeout(stable);
    this.#connection = undefined;
    return afterClose(closed);
  }

  #follow(step: Step): void {
    if (step.do === "stop") {
      this.#backoff.reset();
      this.#enter({ kind: "stopped", end: step.end, reason: step.reason });
    } else if (step.do === "retry") {
      const delayMs = this.#delay(step.delay);
      this.#timer = setTimeout(() => void this.#attempt(), delayMs);
      this.#enter({ kind: "waiting", wait: step.wait, reason: step.reason, delayMs });
    }
  }

  #delay(delay: Delay): number {
    switch (delay.kind) {
      case "backoff":
        return this.#backoff.next();
      case "soon":
        return this.#backoff.soon();
      case "atLeast":
        return this.#backoff.atLeast(delay.ms);
    }
  }

  #enter(state: State): void {
    this.#state = state;
    this.events.state(state);
  }
}
