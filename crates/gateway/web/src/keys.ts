// Which bytes a key of the touch bar stands for; it must not know about the page.

/** Cursor keys are sent differently while a program asks for it (DECCKM). */
export type CursorKeys = "normal" | "application";

export interface Modifiers {
  ctrl: boolean;
  alt: boolean;
}

export const NO_MODIFIERS: Modifiers = { ctrl: false, alt: false };

export type KeyName = "escape" | "tab" | "enter" | "interrupt" | "up" | "down" | "left" | "right" | "pageUp" | "pageDown";

/** Sequences as xterm defines them ("PC-Style Function Keys" in its control sequence list). */
const CURSOR: Partial<Record<KeyName, string>> = { up: "A", down: "B", right: "C", left: "D" };
const TILDE: Partial<Record<KeyName, number>> = { pageUp: 5, pageDown: 6 };
const PLAIN: Partial<Record<KeyName, string>> = { escape: "\x1b", tab: "\t", enter: "\r", interrupt: "\x03" };

export function encodeKey(key: KeyName, modifiers: Modifiers, cursorKeys: CursorKeys): string {
  const parameter = 1 + (modifiers.alt ? 2 : 0) + (modifiers.ctrl ? 4 : 0);
  const letter = CURSOR[key];
  if (letter !== undefined) {
    if (parameter > 1) return `\x1b[1;${parameter}${letter}`;
    return cursorKeys === "application" ? `\x1bO${letter}` : `\x1b[${letter}`;
  }
  const number = TILDE[key];
  if (number !== undefined) return parameter > 1 ? `\x1b[${number};${parameter}~` : `\x1b[${number}~`;
  return (modifiers.alt ? "\x1b" : "") + (PLAIN[key] ?? "");
}

/** One character was typed; longer input is a paste, or the terminal's answer to a program. */
export function isTyped(text: string): boolean {
  return text.length <= 2 && [...text].length === 1;
}

/** Applies held modifiers to one typed character. */
export function modifyTyped(text: string, modifiers: Modifiers): string {
  const typed = modifiers.ctrl ? control(text) : text;
  return modifiers.alt ? `\x1b${typed}` : typed;
}

/** The control character of a key, or the key itself where there is none. */
function control(character: string): string {
  if (character === " ") return "\x00";
  if (character === "?") return "\x7f";
  const code = character.toUpperCase().charCodeAt(0);
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code & 0x1f) : character;
}
