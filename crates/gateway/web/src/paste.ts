// What a paste may bring to a program: text, tabs and line ends, and nothing that a terminal obeys. Pure.

/** A line end as any system writes it; xterm.js makes of each what the Enter key sends. */
const LINE_END = /\r\n?/g;
/** Where a paste begins and ends for a program that asked to be told (bracketed paste, mode 2004), with CSI in seven bits or eight. */
const BRACKET = /(?:\x1b\[|\x9b)20[01]~/g;
/** C0, DEL and C1 but tab and line feed: https://www.unicode.org/charts/PDF/U0000.pdf and U0080.pdf. */
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** A hidden Escape or Ctrl-C in what somebody copied must not run as if it had been typed. */
export function pastable(text: string): string {
  return text.replace(LINE_END, "\n").replace(BRACKET, "").replace(CONTROL, "");
}
