// The switch for people who use a screen reader: xterm.js then keeps a readable copy of the screen. Kept in this browser.

import { element } from "./status.ts";

const KEY = "kubeopencode.screen-reader";

/** Wires the switch and says at once whether it is on. */
export function followReaderSwitch(store: Storage | undefined, changed: (mode: "on" | "off") => void): void {
  const button = element("reader");
  const apply = (mode: "on" | "off") => {
    button.setAttribute("aria-pressed", String(mode === "on"));
    changed(mode);
  };
  button.addEventListener("click", () => {
    const mode = button.getAttribute("aria-pressed") === "true" ? "off" : "on";
    apply(mode);
    try {
      store?.setItem(KEY, mode);
    } catch {
      // Only the memory of a preference is lost.
    }
  });
  apply(store?.getItem(KEY) === "on" ? "on" : "off");
}
