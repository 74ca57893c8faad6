// What fingers do on the terminal: one that slides moves a screen that is larger than its window, else scrolls; two that spread change the size of the text; a tap stays a click.

const SLIDE_PX = 8;

export interface TouchEvents {
  /** The height of a line, in CSS pixels. */
  lineHeight(): number;
  fontSize(): number;
  setFontSize(px: number): void;
}

type Gesture =
  | { kind: "tap"; x: number; y: number }
  | { kind: "slide"; x: number; y: number }
  | { kind: "spread"; distance: number; fontSize: number };

export function followTouch(surface: HTMLElement, events: TouchEvents): void {
  let gesture: Gesture | undefined;

  const start = (event: TouchEvent) => {
    const [first, second] = event.touches;
    if (first !== undefined && second !== undefined) {
      event.preventDefault();
      gesture = { kind: "spread", distance: distance(first, second), fontSize: events.fontSize() };
    } else if (first !== undefined) {
      gesture = { kind: "tap", x: first.clientX, y: first.clientY };
    }
  };

  const move = (event: TouchEvent) => {
    const [first, second] = event.touches;
    if (first === undefined || gesture === undefined) return;
    if (gesture.kind === "tap" && Math.hypot(first.clientX - gesture.x, first.clientY - gesture.y) > SLIDE_PX) {
      gesture = { kind: "slide", x: gesture.x, y: gesture.y };
    }
    if (gesture.kind === "tap") return;
    event.preventDefault();
    if (gesture.kind === "slide") {
      const from = pan(surface, first, gesture);
      gesture = { kind: "slide", x: from.x, y: slide(surface, first, from.y, events.lineHeight()) };
    }
    else if (second !== undefined) events.setFontSize(gesture.fontSize * (distance(first, second) / gesture.distance));
  };

  const end = (event: TouchEvent) => {
    if (event.touches.length === 0) gesture = undefined;
  };

  surface.addEventListener("touchstart", start, { passive: false });
  surface.addEventListener("touchmove", move, { passive: false });
  surface.addEventListener("touchend", end);
  surface.addEventListener("touchcancel", end);
}

/** Moves a screen that is larger than its window; returns what is used up. */
function pan(surface: HTMLElement, finger: Touch, from: { x: number; y: number }): { x: number; y: number } {
  const { scrollTop } = surface;
  surface.scrollBy(from.x - finger.clientX, from.y - finger.clientY);
  return { x: finger.clientX, y: from.y - (surface.scrollTop - scrollTop) };
}

/** Turns whole lines of movement into wheel events, which xterm.js gives to the program or the scrollback; returns what is used up. */
function slide(surface: HTMLElement, finger: Touch, from: number, lineHeight: number): number {
  const lines = Math.trunc((from - finger.clientY) / lineHeight);
  const target = surface.querySelector(".xterm-screen") ?? surface;
  for (let line = 0; line < Math.abs(lines); line++) {
    target.dispatchEvent(
      new WheelEvent("wheel", {
        deltaY: Math.sign(lines),
        deltaMode: WheelEvent.DOM_DELTA_LINE,
        clientX: finger.clientX,
        clientY: finger.clientY,
        bubbles: true,
        cancelable: true,
      }),
    );
  }
  return from - lines * lineHeight;
}

function distance(a: Touch, b: Touch): number {
  return Math.max(1, Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY));
}
