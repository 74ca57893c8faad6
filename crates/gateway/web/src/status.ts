// Shows the state of the session over the terminal: a card when there is nothing to see behind it, a small pill otherwise.

import type { State } from "./session.ts";
import { words, type Words } from "./wording.ts";

/** `empty`: nothing was drawn yet. */
export type Behind = "empty" | "screen";

export class StatusView {
  readonly #root = element("status");
  readonly #title = element("status-title");
  readonly #detail = element("status-detail");
  readonly #timer = element("status-timer");
  readonly #action = element("status-action") as HTMLButtonElement;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #quiet: ReturnType<typeof setTimeout> | undefined;

  constructor(act: () => void) {
    this.#action.addEventListener("click", act);
  }

  /** Says nothing before `quietMs` are over: by then there may be nothing to say. */
  show(state: State, agent: string | undefined, behind: Behind, quietMs: number): void {
    const said = words(state, agent);
    clearTimeout(this.#quiet);
    // That the page looks whether somebody else woke the agent is nothing to wait for.
    this.#count(state.kind === "waiting" && state.wait !== "asleep" ? state.delayMs : 0);
    this.#root.hidden = said === undefined || quietMs > 0;
    if (said === undefined) return;
    const say = () => {
      this.#root.hidden = false;
      this.#say(said, state.kind === "stopped" || behind === "empty" ? "card" : "pill");
    };
    if (quietMs > 0) this.#quiet = setTimeout(say, quietMs);
    else say();
  }

  #say({ tone, title, detail, action }: Words, shape: "card" | "pill"): void {
    this.#root.dataset["shape"] = shape;
    this.#root.dataset["tone"] = tone;
    setText(this.#title, title);
    setText(this.#detail, detail);
    setText(this.#action, action ?? "");
    this.#action.hidden = action === undefined;
    if (shape === "card" && action !== undefined) this.#action.focus({ preventScroll: true });
  }

  /** Counts down in whole seconds; a wait too short to read is not counted. */
  #count(ms: number): void {
    clearInterval(this.#ticking);
    const until = performance.now() + ms;
    const tick = () => {
      const seconds = Math.ceil((until - performance.now()) / 1000);
      setText(this.#timer, ms > 1000 && seconds > 0 ? `Trying again in ${seconds} s` : "");
    };
    tick();
    if (ms > 1000) this.#ticking = setInterval(tick, 250);
  }
}

/** The same text again is not written again: a screen reader would read it again. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

export function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}
