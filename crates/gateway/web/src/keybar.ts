// The row of keys a phone's keyboard lacks; shown where fingers are used. It must never take the focus: the keyboard would close.

import { isTyped, modifyTyped, NO_MODIFIERS, type KeyName, type Modifiers } from "./keys.ts";
import type { Access } from "./protocol.ts";
import { element } from "./status.ts";

export interface KeyBarEvents {
  key(key: KeyName, modifiers: Modifiers): void;
  paste(): void;
  fontSize(change: 1 | -1): void;
  keyboard(): void;
}

type Press = { key: KeyName } | { hold: keyof Modifiers } | { act: "paste" | "larger" | "smaller" | "keyboard" };

/** Two rows of eight; the arrows stand as on a keyboard. A name begins with the label, so that who speaks to the page can say it. */
const LAYOUT: ReadonlyArray<readonly [label: string, name: string, press: Press]> = [
  ["Esc", "Esc, Escape", { key: "escape" }],
  ["Ctrl", "Ctrl, Control, for the next key", { hold: "ctrl" }],
  ["Alt", "Alt, for the next key", { hold: "alt" }],
  ["PgUp", "PgUp, page up", { key: "pageUp" }],
  ["↑", "Up", { key: "up" }],
  ["PgDn", "PgDn, page down", { key: "pageDown" }],
  ["A+", "A+, larger text", { act: "larger" }],
  ["⏎", "Enter", { key: "enter" }],
  ["Tab", "Tab", { key: "tab" }],
  ["^C", "Control C", { key: "interrupt" }],
  ["Paste", "Paste", { act: "paste" }],
  ["←", "Left", { key: "left" }],
  ["↓", "Down", { key: "down" }],
  ["→", "Right", { key: "right" }],
  ["A−", "A−, smaller text", { act: "smaller" }],
  ["⌨", "Show or hide the keyboard", { act: "keyboard" }],
];

const REPEATING: ReadonlySet<KeyName> = new Set(["up", "down", "left", "right", "pageUp", "pageDown"]);
const REPEAT_AFTER_MS = 400;
const REPEAT_EVERY_MS = 70;

export class KeyBar {
  readonly #root = element("keys");
  #held: Modifiers = NO_MODIFIERS;
  #holds = new Map<keyof Modifiers, HTMLButtonElement>();
  #repeat: ReturnType<typeof setTimeout> | undefined;
  #wanted = false;
  #allowed = true;

  constructor(private readonly events: KeyBarEvents) {
    for (const [label, name, press] of LAYOUT) this.#root.append(this.#button(label, name, press));
  }

  /** There are fingers. */
  show(): void {
    this.#wanted = true;
    this.#place();
  }

  /** Keys are of no use to who may only look. */
  follow(access: Access): void {
    this.#allowed = access === "interact";
    if (!this.#allowed) this.#release();
    this.#place();
  }

  #place(): void {
    this.#root.hidden = !this.#wanted || !this.#allowed;
  }

  /** A key that is hidden while it is held is not held any more. */
  #release(): void {
    clearTimeout(this.#repeat);
    this.#hold(NO_MODIFIERS);
  }

  /** What was typed, with the held modifiers; they are let go once they met a character. */
  modify(text: string): string {
    return isTyped(text) ? modifyTyped(text, this.#takeModifiers()) : text;
  }

  #takeModifiers(): Modifiers {
    const held = this.#held;
    this.#hold(NO_MODIFIERS);
    return held;
  }

  #button(label: string, name: string, press: Press): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.tabIndex = -1;
    button.textContent = label;
    button.setAttribute("aria-label", name);
    button.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      if ("key" in press && REPEATING.has(press.key)) this.#startRepeat(press.key);
    });
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) button.addEventListener(end, () => clearTimeout(this.#repeat));
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    button.addEventListener("click", () => this.#press(press));
    if ("hold" in press) {
      button.setAttribute("aria-pressed", "false");
      this.#holds.set(press.hold, button);
    }
    return button;
  }

  #press(press: Press): void {
    if ("key" in press) this.events.key(press.key, this.#takeModifiers());
    else if ("hold" in press) this.#hold({ ...this.#held, [press.hold]: !this.#held[press.hold] });
    else if (press.act === "paste") this.events.paste();
    else if (press.act === "keyboard") this.events.keyboard();
    else this.events.fontSize(press.act === "larger" ? 1 : -1);
  }

  #hold(held: Modifiers): void {
    this.#held = held;
    for (const [modifier, button] of this.#holds) button.setAttribute("aria-pressed", String(held[modifier]));
  }

  #startRepeat(key: KeyName): void {
    clearTimeout(this.#repeat);
    const again = () => {
      this.events.key(key, this.#held);
      this.#repeat = setTimeout(again, REPEAT_EVERY_MS);
    };
    this.#repeat = setTimeout(again, REPEAT_AFTER_MS);
  }
}
