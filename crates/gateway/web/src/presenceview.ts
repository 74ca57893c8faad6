// Shows the line about the link below the terminal, and says aloud what a viewer should not miss. It decides nothing.

import { EndWarning, presenceWords, wordsChangeInMs } from "./presence.ts";
import type { Access, LinkFacts, Viewers } from "./protocol.ts";
import { element, setText } from "./status.ts";

/** A timer must not come before the minute that it waits for. */
const LATER_MS = 20;

export class PresenceView {
  readonly #line = element("presence");
  readonly #said = element("announcement");
  readonly #warning = new EndWarning();
  #access: Access = "interact";
  #viewers: Viewers | undefined;
  #endsAtMs: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #leaving: ReturnType<typeof setTimeout> | undefined;

  /** A terminal opened: what was known of the one before is forgotten. */
  opened(facts: LinkFacts): void {
    this.#viewers = undefined;
    if (facts.access === "view") this.#say("You can only view this terminal.");
    this.#take(facts);
    this.#show();
  }

  /** The link was changed while the terminal was open, or in a break after which it goes on. */
  changed(facts: LinkFacts): void {
    if (facts.access !== this.#access) this.#say(facts.access === "view" ? "You can now only view this terminal." : "You can now type in this terminal.");
    this.#take(facts);
    this.#show();
  }

  /** Who is alone need not read that. Once there was company the line stays, or the terminal would change its size with each who goes. */
  viewers(viewers: Viewers): void {
    if (viewers.count === 1 && this.#viewers === undefined) return;
    this.#viewers = viewers;
    this.#show();
  }

  /**
   * The connection is gone for now: who looks is not known, unless it is back after `quietMs`. The line keeps its place, or the
   * terminal would change its size.
   */
  disconnected(quietMs: number): void {
    clearTimeout(this.#leaving);
    if (quietMs > 0) this.#leaving = setTimeout(() => this.disconnected(0), quietMs);
    this.#viewers = quietMs > 0 ? this.#viewers : undefined;
    if (!this.#line.hidden) this.#write();
  }

  /** There is no terminal behind the link any more. */
  over(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#leaving);
    this.#line.hidden = true;
  }

  #take({ access, endsInMs }: LinkFacts): void {
    clearTimeout(this.#leaving);
    this.#access = access;
    this.#endsAtMs = endsInMs === undefined ? undefined : performance.now() + endsInMs;
  }

  #show(): void {
    this.#line.hidden = this.#write() === 0;
  }

  /** Returns how many things there were to say. */
  #write(): number {
    clearTimeout(this.#timer);
    const leftMs = this.#endsAtMs === undefined ? undefined : this.#endsAtMs - performance.now();
    const warning = this.#warning.due(leftMs);
    if (warning !== undefined) this.#say(warning);
    const words = presenceWords({ access: this.#access, viewers: this.#viewers, leftMs });
    this.#line.dataset["access"] = this.#access;
    this.#line.replaceChildren(...words.map(part));
    const nextMs = leftMs === undefined ? undefined : wordsChangeInMs(leftMs);
    if (nextMs !== undefined) this.#timer = setTimeout(() => this.#write(), nextMs + LATER_MS);
    return words.length;
  }

  #say(text: string): void {
    setText(this.#said, text);
  }
}

function part(text: string): HTMLElement {
  const span = document.createElement("span");
  span.textContent = text;
  return span;
}
