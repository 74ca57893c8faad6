// A break in a terminal that can be resumed: what the page does meanwhile, by how long it lasts. Pure: the time is an argument.

/** What takes no longer than this is not worth a word over the screen. */
const QUIET_MS = 1500;
/** For so long what is typed is kept: who typed it still knows what for. */
const KEEPS_MS = 60_000;

export class Break {
  constructor(private readonly sinceMs: number) {}

  lastedMs(nowMs: number): number {
    return Math.max(0, nowMs - this.sinceMs);
  }

  /** Whether what is typed now is kept for the time after it. */
  keepsTyping(nowMs: number): boolean {
    return this.lastedMs(nowMs) <= KEEPS_MS;
  }

  /** For so long nothing is said of it yet. */
  quietMs(nowMs: number): number {
    return Math.max(0, QUIET_MS - this.lastedMs(nowMs));
  }
}

const MOTION = /^\x1b\[<(\d+);\d+;\d+M$/;
/** xterm, "Mouse Tracking": this is added to the button while the mouse moves. */
const MOVES = 32;

/** Whether it is no more than the way of a mouse, in the encoding SGR: it would take the room of what is typed. */
export function isMouseMotion(bytes: Uint8Array): boolean {
  const button = MOTION.exec(String.fromCharCode(...bytes.subarray(0, 32)))?.[1];
  return button !== undefined && (Number(button) & MOVES) !== 0;
}
