// Lets a program choose how wide text is (mode 2027): by character as ever, or by grapheme cluster. xterm.js has the tables, not the mode.

import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import type { Terminal } from "@xterm/xterm";

const MODE = 2027;
/** Not the grapheme addon's own "15": that one gives a joiner a column of its own. */
const BY_CHARACTER = "11";
const BY_CLUSTER = "15-graphemes";

/** https://github.com/contour-terminal/terminal-unicode-core: set and reset by `CSI ? 2027 h/l`, asked for by `CSI ? 2027 $ p`. */
export function offerGraphemes(terminal: Terminal): void {
  terminal.loadAddon(new Unicode11Addon());
  terminal.loadAddon(new UnicodeGraphemesAddon());
  const choose = (version: string) => {
    terminal.unicode.activeVersion = version;
  };
  choose(BY_CHARACTER);
  // False lets xterm.js handle the other modes of the same sequence.
  terminal.parser.registerCsiHandler({ prefix: "?", final: "h" }, (modes) => {
    if (modes.includes(MODE)) choose(BY_CLUSTER);
    return false;
  });
  terminal.parser.registerCsiHandler({ prefix: "?", final: "l" }, (modes) => {
    if (modes.includes(MODE)) choose(BY_CHARACTER);
    return false;
  });
  terminal.parser.registerCsiHandler({ prefix: "?", intermediates: "$", final: "p" }, (modes) => {
    if (modes[0] !== MODE) return false;
    const state = terminal.unicode.activeVersion === BY_CLUSTER ? 1 : 2;
    terminal.input(`\x1b[?${MODE};${state}$y`, false);
    return true;
  });
}

/** As at the start of a session: `Terminal.reset` leaves this alone. */
export function resetGraphemes(terminal: Terminal): void {
  terminal.unicode.activeVersion = BY_CHARACTER;
}
