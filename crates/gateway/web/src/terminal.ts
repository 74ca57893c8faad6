// The terminal on the page: xterm.js with its settings; it must not know where bytes come from or go.

import { FitAddon } from "@xterm/addon-fit";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { Terminal, type ITerminalOptions } from "@xterm/xterm";
import { offeredText } from "./clipboard.ts";
import { offerGraphemes, resetGraphemes } from "./graphemes.ts";
import { openWebAddress } from "./links.ts";
import type { Size } from "./protocol.ts";

const SCROLLBACK_LINES = 5000;
const SCROLLBAR_PX = 6;

const OPTIONS: ITerminalOptions = {
  allowProposedApi: true, // for unicode versions
  fontFamily: 'ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, "Cascadia Mono", "Liberation Mono", "DejaVu Sans Mono", monospace',
  scrollback: SCROLLBACK_LINES,
  overviewRuler: { width: SCROLLBAR_PX },
  macOptionClickForcesSelection: true,
  rescaleOverlappingGlyphs: true,
  // Programs ask how large a cell is before they draw.
  windowOptions: { getWinSizePixels: true, getCellSizePixels: true, getWinSizeChars: true },
  theme: {
    background: "#0b0c0e",
    foreground: "#e8eaed",
    cursor: "#e8eaed",
    cursorAccent: "#0b0c0e",
    selectionBackground: "#3b6ea8",
    overviewRulerBorder: "#00000000",
    // xterm.js's own blue and black are hard to read on this ground.
    black: "#2a2e36",
    red: "#ff6b6b",
    green: "#7bd88f",
    yellow: "#e5c76b",
    blue: "#6aa9ff",
    magenta: "#c792ea",
    cyan: "#5fd0d8",
    white: "#d5d8dd",
    brightBlack: "#7a818e",
    brightRed: "#ff8f8f",
    brightGreen: "#a5eab1",
    brightYellow: "#f5dd9a",
    brightBlue: "#9cc7ff",
    brightMagenta: "#dfb8f7",
    brightCyan: "#96e6ec",
    brightWhite: "#ffffff",
  },
};

export interface TerminalEvents {
  /** Typed or pasted text, and the terminal's answers to a program's questions. */
  data(text: string): void;
  /** Bytes that are no text: mouse reports in the oldest encoding. */
  binary(bytes: Uint8Array): void;
  resized(size: Size): void;
  title(text: string): void;
  bell(): void;
  /** A program asks to set the clipboard (OSC 52). */
  copyRequested(text: string): void;
  /** A link whose text may hide its address. */
  linkRequested(address: string): void;
}

export type Motion = "full" | "reduced";

export class TerminalView {
  readonly xterm: Terminal;
  readonly #fit = new FitAddon();

  constructor(private readonly parent: HTMLElement, fontSize: number, motion: Motion, events: TerminalEvents) {
    const linkHandler = { activate: (_: MouseEvent, address: string) => events.linkRequested(address) };
    this.xterm = new Terminal({ ...OPTIONS, fontSize, linkHandler, cursorBlink: motion === "full" });
    this.#listen(events);
    this.xterm.loadAddon(this.#fit);
    this.xterm.loadAddon(new WebLinksAddon((_, address) => openWebAddress(address)));
    offerGraphemes(this.xterm);
    this.#draw();
  }

  size(): Size {
    return { cols: this.xterm.cols, rows: this.xterm.rows };
  }

  fit(): void {
    this.#fit.fit();
  }

  reset(): void {
    this.xterm.reset();
    resetGraphemes(this.xterm);
  }

  write(bytes: Uint8Array, drawn: () => void): void {
    this.xterm.write(bytes, drawn);
  }

  settled(): Promise<void> {
    return new Promise((resolve) => this.xterm.write("", resolve));
  }

  setFontSize(px: number): void {
    this.xterm.options.fontSize = px;
    this.fit();
  }

  #listen(events: TerminalEvents): void {
    this.xterm.onData((text) => events.data(text));
    this.xterm.onBinary((text) => events.binary(Uint8Array.from(text, (character) => character.charCodeAt(0))));
    this.xterm.onResize(({ cols, rows }) => events.resized({ cols, rows }));
    this.xterm.onTitleChange((text) => events.title(text));
    this.xterm.onBell(() => events.bell());
    this.xterm.parser.registerOscHandler(52, (payload) => {
      const text = offeredText(payload);
      if (text !== undefined) events.copyRequested(text);
      return true;
    });
  }

  /** The GPU draws where it can; without WebGL 2, or when its context is lost, xterm.js falls back to the DOM. */
  #draw(): void {
    if (hasWebgl2()) {
      const gpu = new WebglAddon();
      gpu.onContextLoss(() => gpu.dispose());
      this.xterm.loadAddon(gpu); // before opening: so the DOM renderer is not set up only to be replaced
    }
    this.xterm.open(this.parent);
    this.xterm.textarea?.setAttribute("autocomplete", "off");
    this.fit();
  }
}

function hasWebgl2(): boolean {
  return document.createElement("canvas").getContext("webgl2") !== null;
}
