// A short-lived offer at the edge of the page: something a program asks for, which only the viewer's click does.

import { element } from "./status.ts";

const GONE_AFTER_MS = 12_000;

export interface Choice {
  label: string;
  act: () => void;
}

export class OfferView {
  readonly #root = element("offer");
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly done: () => void) {}

  /** Replaces the offer before it: there is one at a time. */
  show(text: string, choice?: Choice): void {
    const line = document.createElement("p");
    line.textContent = text;
    this.#root.replaceChildren(line);
    if (choice !== undefined) this.#root.append(this.#button(choice.label, choice.act));
    this.#root.append(this.#button("Dismiss", () => {}));
    this.#root.hidden = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#hide(), GONE_AFTER_MS);
  }

  #button(label: string, act: () => void): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", () => {
      this.#hide();
      act();
      this.done();
    });
    return button;
  }

  #hide(): void {
    clearTimeout(this.#timer);
    this.#root.hidden = true;
    this.#root.replaceChildren();
  }
}
