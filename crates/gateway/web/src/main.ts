// Puts the page together: wires the session, the terminal and what stands around it. It decides nothing itself.

import { endpoints } from "./address.ts";
import { preview } from "./clipboard.ts";
import { clampFontSize, defaultFontSize, savedFontSize, saveFontSize } from "./fontsize.ts";
import { KeyBar } from "./keybar.ts";
import { encodeKey } from "./keys.ts";
import { openWebAddress, webAddress } from "./links.ts";
import { network } from "./network.ts";
import { OfferView } from "./offer.ts";
import { PresenceView } from "./presenceview.ts";
import type { Access, Agent, LinkFacts } from "./protocol.ts";
import { followReaderSwitch } from "./reader.ts";
import { isAsleep, returnMayHelp, Session, type LinkMoment, type State } from "./session.ts";
import { shortcut, type Platform } from "./shortcuts.ts";
import { element, StatusView, type Behind } from "./status.ts";
import { allowStrictStyle } from "./strictstyle.ts";
import { TerminalView } from "./terminal.ts";
import { pageTitle } from "./title.ts";
import { followTouch } from "./touch.ts";
import { debounced, followViewport } from "./viewport.ts";

const RESIZE_SETTLES_MS = 80;
const platform: Platform = /Mac|iP(hone|ad|od)/.test(navigator.platform) ? "mac" : "other";

allowStrictStyle();

const surface = element("terminal");
const store = localStore();
const encoder = new TextEncoder();
let agent: string | undefined;
let program = "";
let behind: Behind = "empty";
let access: Access = "interact";
/** The viewer pressed the status's button: the focus is not theirs to keep. */
let pressed = false;

const offer = new OfferView(() => terminal.xterm.focus());
const presence = new PresenceView();
const status = new StatusView(() => {
  pressed = true;
  session.act();
});
const terminal = new TerminalView(
  surface,
  savedFontSize(store) ?? defaultFontSize(window.innerWidth),
  window.matchMedia("(prefers-reduced-motion: reduce)").matches ? "reduced" : "full",
  {
    data: (text) => send(encoder.encode(keyBar.modify(text))),
    pasted: (text) => send(encoder.encode(text)),
    binary: send,
    resized: debounced(RESIZE_SETTLES_MS, () => session.resize(terminal.size())),
    title: (text) => {
      program = text;
      showTitle();
    },
    bell: flash,
    copyRequested: (text) => offer.show(`The terminal offers to copy: “${preview(text)}”`, { label: "Copy", act: () => void copy(text) }),
    linkRequested: (address) => {
      if (webAddress(address)) offer.show(`Open ${preview(address)}`, { label: "Open", act: () => openWebAddress(address) });
    },
  },
);
const keyBar = new KeyBar({
  key: (key, modifiers) => {
    const cursorKeys = terminal.xterm.modes.applicationCursorKeysMode ? "application" : "normal";
    send(encoder.encode(encodeKey(key, modifiers, cursorKeys)));
  },
  paste: () => void paste(),
  fontSize: (change) => setFontSize(terminal.fontSize + change),
  keyboard: toggleKeyboard,
});
const session = new Session(
  endpoints(new URL(window.location.href)),
  terminal,
  {
    state: showState,
    agent: showAgent,
    link: showLink,
    viewers: (viewers) => presence.viewers(viewers),
    notice: (message) => offer.show(message),
  },
  () => network(window.location.hostname),
);

followViewport(element("page"), surface, () => terminal.fit());
followTouch(surface, {
  lineHeight: () => terminal.lineHeight,
  fontSize: () => terminal.fontSize,
  setFontSize,
});
followReaderSwitch(store, (mode) => {
  terminal.xterm.options.screenReaderMode = mode === "on";
});
followKeys();
followReturn();
followLeaving();
showKeyBarForFingers();
session.start();

function send(bytes: Uint8Array): void {
  if (session.input(bytes) === "taken") return;
  offer.show(session.state.kind === "live" ? "That is too much to paste at once." : "That is more than can be kept until the connection is back.");
}

function showState(state: State): void {
  followAccess();
  if (state.kind === "stopped" || isAsleep(state)) presence.over();
  else if (state.kind !== "live") presence.disconnected(session.quietMs);
  if (state.kind === "live") {
    behind = "screen";
    if (state.start === "anew") program = "";
    // A terminal that goes on leaves the focus, and the keyboard of a phone, as they are.
    if (state.start === "anew" || pressed) terminal.xterm.focus();
    pressed = false;
  }
  // What was on the screen of an agent that fell asleep is over: the next thing to see is another start.
  if (isAsleep(state)) behind = "empty";
  status.show(state, agent, behind, session.quietMs);
  showTitle();
}

function showAgent({ name }: Agent): void {
  if (name === agent) return;
  agent = name;
  showTitle();
  status.show(session.state, agent, behind, session.quietMs);
}

function showLink(facts: LinkFacts, when: LinkMoment): void {
  access = facts.access;
  if (when === "opened") presence.opened(facts);
  else presence.changed(facts);
  followAccess();
}

/** xterm.js sends nothing while its input is off: no key, no mouse report and no answer; and no keyboard covers half of a phone. */
function followAccess(): void {
  terminal.xterm.options.disableStdin = !session.takesInput || access === "view";
  keyBar.follow(access);
}

function showTitle(): void {
  document.title = pageTitle(agent, program);
}

function setFontSize(px: number): void {
  const size = clampFontSize(px);
  if (size !== terminal.fontSize && terminal.setFontSize(size) === "own") saveFontSize(store, size);
}

function followKeys(): void {
  terminal.xterm.attachCustomKeyEventHandler((event) => {
    if (event.type !== "keydown") return true;
    const { xterm } = terminal;
    switch (shortcut(event, xterm.hasSelection() ? "some" : "none", platform)) {
      case "copy":
        event.preventDefault();
        if (xterm.hasSelection()) void copy(xterm.getSelection());
        xterm.clearSelection();
        return false;
      case "browser":
        return false;
      case "terminal":
        return true;
    }
  });
}

/** What a network that came back, or a viewer who did, may change is tried at once; the server's own limit stands. */
function followReturn(): void {
  const retry = () => {
    if (returnMayHelp(session.state)) session.retryNow();
  };
  window.addEventListener("online", retry);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") retry();
  });
}

/** A page in the background gets few timers, and a closed one none: what was typed and may be sent goes now. */
function followLeaving(): void {
  window.addEventListener("pagehide", () => session.flush());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") session.flush();
  });
}

function showKeyBarForFingers(): void {
  if (window.matchMedia("(pointer: coarse)").matches) keyBar.show();
  else window.addEventListener("touchstart", () => keyBar.show(), { once: true, passive: true });
}

function toggleKeyboard(): void {
  if (document.activeElement === terminal.xterm.textarea) terminal.xterm.blur();
  else terminal.xterm.focus();
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    offer.show("The browser did not allow copying.");
  }
}

async function paste(): Promise<void> {
  try {
    terminal.paste(await navigator.clipboard.readText());
  } catch {
    offer.show("The browser did not allow reading the clipboard. Hold a finger on the terminal to paste, or use the keyboard's own paste.");
  }
}

function flash(): void {
  const bell = element("bell");
  bell.classList.remove("rings");
  void bell.offsetWidth; // lets the animation start anew
  bell.classList.add("rings");
}

/** Reading the property alone throws where storage is forbidden. */
function localStore(): Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}
