// Keeps one terminal session going: asks, connects, waits and tries again; how that looks is not its business.

import type { Endpoints } from "./address.ts";
import { Backoff, STABLE_MS } from "./backoff.ts";
import { Break, isMouseMotion } from "./break.ts";
import { Connection } from "./connection.ts";
import { askInfo, askToWake } from "./info.ts";
import { Outbox } from "./outbox.ts";
import { afterClose, afterInfo, afterWake, type Delay, type End, type History, type Step, type Wait } from "./outcome.ts";
import type { Network } from "./network.ts";
import { Positions, viewerName, type Start } from "./positions.ts";
import type { Access, Agent, LinkFacts, ServerMessage, Size, Viewers } from "./protocol.ts";

export type State =
  | { kind: "connecting" }
  | { kind: "live"; start: Start }
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
  /** What this viewer's window holds; the screen that is drawn may be of another size. */
  size(): Size;
  /** Draws a screen of exactly this size from now on; undefined: of the window's. */
  share(size: Size | undefined): void;
  /** Empties the screen for a session that starts anew. */
  reset(): void;
  write(bytes: Uint8Array, drawn: () => void): void;
  /** Resolves when everything written so far is parsed. */
  settled(): Promise<void>;
}

export type LinkMoment = "opened" | "resumed" | "changed";

export interface SessionEvents {
  state(state: State): void;
  agent(agent: Agent): void;
  /** What the link allows: `opened` or `resumed` comes once with each `live`. */
  link(facts: LinkFacts, when: LinkMoment): void;
  viewers(viewers: Viewers): void;
  notice(message: string): void;
}

export class Session {
  readonly #backoff = new Backoff(Math.random);
  readonly #positions = new Positions(viewerName((bytes) => crypto.getRandomValues(bytes)));
  readonly #outbox = new Outbox();
  #state: State = { kind: "connecting" };
  #history: History = "fresh";
  /** When the link was first unknown since there was a terminal. */
  #unknownSinceMs: number | undefined;
  #wokenAtMs = -Infinity;
  /** Counts attempts: the answer to a former one says nothing any more. */
  #turn = 0;
  #connection: Connection | undefined;
  /** Since a terminal that can be resumed went away. */
  #break: Break | undefined;
  #access: Access = "interact";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly at: Endpoints,
    private readonly screen: Screen,
    private readonly events: SessionEvents,
    private readonly network: () => Network,
  ) {}

  /** Whatever the browser says of its network: it has just loaded this page. */
  start(): void {
    void this.#attempt();
  }

  /** The viewer pressed the button: wakes an agent that sleeps, and otherwise tries at once. */
  act(): void {
    if (isAsleep(this.#state)) void this.#wake();
    else this.#again();
  }

  /** Tries now what would be tried later: the viewer asked, or the network came back. It wakes nobody. */
  retryNow(): void {
    if (this.network() === "online") this.#again();
  }

  get state(): State {
    return this.#state;
  }

  /** Whether what is typed comes to a program: now, or after a short break of a terminal that goes on. Else nobody knows which one would read it. */
  get takesInput(): boolean {
    return this.#state.kind === "live" || this.#break?.keepsTyping(performance.now()) === true;
  }

  /** For so long the page says nothing of a break, in milliseconds: most are over by then. */
  get quietMs(): number {
    return this.#break?.quietMs(performance.now()) ?? 0;
  }

  /** What nobody would read, or comes of who may only look, is dropped. */
  input(bytes: Uint8Array): "taken" | "refused" {
    const isDropped = this.#access === "view" || !this.takesInput || (this.#break !== undefined && isMouseMotion(bytes));
    return isDropped ? "taken" : this.#outbox.type(bytes);
  }

  /** Sends at once what may be sent: the page is about to be hidden or closed. */
  flush(): void {
    this.#outbox.flush();
  }

  resize(size: Size): void {
    if (this.#access === "interact") this.#connection?.resize(size);
  }

  #again(): void {
    if (this.#state.kind !== "waiting" && this.#state.kind !== "stopped") return;
    clearTimeout(this.#timer);
    void this.#attempt();
  }

  /** By the clock, not by a viewer: without a network it waits for that, and asks nobody. */
  #attemptInTime(): void {
    if (this.network() === "online") void this.#attempt();
    else this.#enter({ kind: "waiting", wait: "offline", reason: "", delayMs: 0 });
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
    const place = { positions: this.#positions, outbox: this.#outbox };
    const connection = new Connection(this.at.terminal, this.screen.size(), place, {
      opened: (start) => {
        stable = setTimeout(() => this.#backoff.reset(), STABLE_MS);
        this.#history = "seen";
        this.#unknownSinceMs = undefined;
        this.#break = undefined;
        if (start === "anew") {
          this.screen.reset();
          this.screen.share(undefined);
        }
        this.#enter({ kind: "live", start });
      },
      message: (message) => this.#read(message),
      output: (bytes, drawn) => this.screen.write(bytes, drawn),
    });
    this.#connection = connection;
    const closed = await connection.closed;
    clearTimeout(stable);
    this.#connection = undefined;
    if (this.#state.kind === "live" && this.#positions.canResume) this.#break = new Break(performance.now());
    if (this.#break === undefined) this.#access = "interact";
    return afterClose(closed);
  }

  #read(message: ServerMessage): void {
    switch (message.type) {
      case "hello":
        if (message.agent) this.events.agent(message.agent);
        return this.#allow(message.link, this.#state.kind === "live" && this.#state.start === "resumed" ? "resumed" : "opened");
      case "link":
        return this.#allow(message.link, "changed");
      case "viewers":
        return this.events.viewers(message.viewers);
      case "screen":
        return this.screen.share(message.size);
      case "notice":
        if (message.message) this.events.notice(message.message);
    }
  }

  /** The server drops what it does not allow; not to send it spares the viewer a screen that answers nothing. */
  #allow(facts: LinkFacts, when: LinkMoment): void {
    const isGiven = facts.access === "interact" && this.#access === "view";
    this.#access = facts.access;
    if (isGiven && when === "changed") this.#connection?.announce(this.screen.size());
    this.events.link(facts, when);
  }

  #follow(step: Step): void {
    if (step.do === "stop") {
      this.#backoff.reset();
      this.#enter({ kind: "stopped", end: step.end, reason: step.reason });
    } else if (step.do === "retry") {
      const delayMs = this.#delay(step.delay);
      this.#timer = setTimeout(() => this.#attemptInTime(), delayMs);
      this.#enter({ kind: "waiting", wait: step.wait, reason: step.reason, delayMs });
    }
  }

  #delay(delay: Delay): number {
    const breakMs = this.#break?.lastedMs(performance.now());
    switch (delay.kind) {
      case "backoff":
        return this.#backoff.next(breakMs);
      case "soon":
        return this.#backoff.soon(breakMs);
      case "atLeast":
        return this.#backoff.atLeast(delay.ms);
    }
  }

  #enter(state: State): void {
    if (state.kind === "stopped" || isAsleep(state)) this.#giveUp();
    this.#state = state;
    this.events.state(state);
  }

  /** The terminal is over, or its viewer is to decide: what was typed for it is typed nowhere else. */
  #giveUp(): void {
    this.#break = undefined;
    this.#access = "interact";
    this.#outbox.withdraw();
  }
}
