// The terminal on the page: xterm.js with its settings; it must not know where bytes come from or go.

import { FitAddon } from "@xterm/addon-fit";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { Terminal, type ITerminalOptions } from "@xterm/xterm";
import { offeredText } from "./clipboard.ts";
import { offerGraphemes, resetGraphemes } from "./graphemes.ts";
import { sharedFontSize, SMALLEST_SHARED_PX, type Box } from "./letterbox.ts";
import { openWebAddress } from "./links.ts";
import { pastable } from "./paste.ts";
import type { Size } from "./protocol.ts";

const SCROLLBACK_LINES = 5000;
const SCROLLBAR_PX = 6;

const OPTIONS: ITerminalOptions = {
  allowProposedApi: true, // for unicode versions
  logLevel: "off",
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
  /** Typed text, and the terminal's answers to a program's questions. */
  data(text: string): void;
  /** Pasted text, without what a terminal obeys, in the brackets that the program asked for. */
  pasted(text: string): void;
  /** Bytes that are no text: mouse reports in the oldest encoding. */
  binary(bytes: Uint8Array): void;
  /** The window holds another size than before. */
  resized(): void;
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
  /** What the window holds at the viewer's own text size. */
  #window: Size = { cols: 80, rows: 24 };
  /** The size that somebody else chose for all. */
  #shared: Size | undefined;
  /** A text size for the shared screen, of a viewer who would rather scroll than read what fits. */
  #magnified: number | undefined;
  #pasting = false;

  constructor(
    private readonly parent: HTMLElement,
    private ownFontSize: number,
    motion: Motion,
    private readonly events: TerminalEvents,
  ) {
    const linkHandler = { activate: (_: MouseEvent, address: string) => events.linkRequested(address) };
    this.xterm = new Terminal({ ...OPTIONS, fontSize: ownFontSize, linkHandler, cursorBlink: motion === "full" });
    this.#listen(events);
    this.xterm.loadAddon(this.#fit);
    this.xterm.loadAddon(new WebLinksAddon((_, address) => openWebAddress(address)));
    offerGraphemes(this.xterm);
    this.#draw();
  }

  /** What the window holds, whatever is drawn in it. */
  size(): Size {
    return this.#window;
  }

  fit(): void {
    const before = this.#window;
    this.parent.classList.remove("shared");
    this.#setFontSize(this.ownFontSize);
    if (this.#shared === undefined) this.#fit.fit();
    this.#window = this.#fit.proposeDimensions() ?? before;
    if (this.#shared !== undefined) this.#letterbox(this.#shared);
    if (before.cols !== this.#window.cols || before.rows !== this.#window.rows) this.events.resized();
  }

  /** Draws a screen of exactly this size, whatever the window's; undefined: of the window's. */
  share(size: Size | undefined): void {
    if (size?.cols === this.#shared?.cols && size?.rows === this.#shared?.rows) return;
    this.#shared = size;
    this.#magnified = undefined;
    this.fit();
  }

  /** Brings text to the program, and nothing that acts as a key. */
  paste(text: string): void {
    const clean = pastable(text);
    if (clean === "") return;
    this.#pasting = true;
    try {
      this.xterm.paste(clean);
    } finally {
      this.#pasting = false;
    }
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

  /** Of the text that is drawn, in CSS pixels. */
  get fontSize(): number {
    return this.xterm.options.fontSize ?? this.ownFontSize;
  }

  /** In CSS pixels. */
  get lineHeight(): number {
    return this.#drawn().height / this.xterm.rows;
  }

  /** Changes the viewer's own text size, or magnifies a shared screen that is drawn smaller than that. */
  setFontSize(px: number): "own" | "magnified" {
    const magnifies = this.#magnified !== undefined || this.fontSize < this.ownFontSize;
    if (magnifies) this.#magnified = px;
    else this.ownFontSize = px;
    this.fit();
    return magnifies ? "magnified" : "own";
  }

  #setFontSize(px: number): void {
    if (this.xterm.options.fontSize !== px) this.xterm.options.fontSize = px;
  }

  /** Text is drawn in whole device pixels: what was computed may still be a little too large. */
  #letterbox(shared: Size): void {
    this.xterm.resize(shared.cols, shared.rows);
    const room = { width: this.parent.clientWidth - SCROLLBAR_PX, height: this.parent.clientHeight };
    const drawn = this.#drawn();
    const cell = { width: drawn.width / shared.cols, height: drawn.height / shared.rows };
    let px = sharedFontSize(this.ownFontSize, cell, shared, room);
    this.#setFontSize(px);
    while (px > SMALLEST_SHARED_PX && exceeds(this.#drawn(), room)) this.#setFontSize(--px);
    if (this.#magnified !== undefined && this.#magnified > px) this.#setFontSize(this.#magnified);
    else this.#magnified = undefined;
    this.parent.classList.add("shared");
  }

  /** The whole screen, in CSS pixels. */
  #drawn(): Box {
    const { width, height } = this.parent.querySelector(".xterm-screen")?.getBoundingClientRect() ?? { width: 1, height: 1 };
    return { width, height };
  }

  #listen(events: TerminalEvents): void {
    this.xterm.onData((text) => (this.#pasting ? events.pasted(text) : events.data(text)));
    this.xterm.onBinary((text) => events.binary(Uint8Array.from(text, (character) => character.charCodeAt(0))));
    this.xterm.onTitleChange((text) => events.title(text));
    this.xterm.onBell(() => events.bell());
    this.xterm.parser.registerOscHandler(52, (payload) => {
      const text = offeredText(payload);
      if (text !== undefined) events.copyRequested(text);
      return true;
    });
  }

  /** Before xterm.js sees it: shortcut, menu, middle button, and keyboards that insert what was copied without a word of pasting. */
  #followPaste(): void {
    const take = (event: Event, text: string) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      this.paste(text);
    };
    this.parent.addEventListener("paste", (event) => take(event, event.clipboardData?.getData("text/plain") ?? ""), { capture: true });
    this.parent.addEventListener(
      "beforeinput",
      (event) => {
        if (INSERTED.has(event.inputType)) take(event, event.data ?? event.dataTransfer?.getData("text/plain") ?? "");
      },
      { capture: true },
    );
  }

  /** The GPU draws where it can; without WebGL 2, or when its context is lost, xterm.js falls back to the DOM. */
  #draw(): void {
    if (hasWebgl2()) {
      const gpu = new WebglAddon();
      gpu.onContextLoss(() => gpu.dispose());
      this.xterm.loadAddon(gpu); // before opening: so the DOM renderer is not set up only to be replaced
    }
    this.xterm.open(this.parent);
    this.#followPaste();
    this.xterm.textarea?.setAttribute("autocomplete", "off");
    this.fit();
  }
}

function exceeds(drawn: Box, room: Box): boolean {
  return drawn.width > room.width || drawn.height > room.height;
}

/** Ways of an editor to insert what was copied (Input Events Level 2, section 4.1.2). */
const INSERTED = new Set(["insertFromPaste", "insertFromPasteAsQuotation", "insertFromDrop", "insertFromYank"]);

function hasWebgl2(): boolean {
  return document.createElement("canvas").getContext("webgl2") !== null;
}
