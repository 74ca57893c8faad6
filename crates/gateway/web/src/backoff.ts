// How long to wait before the next attempt; it must not read a clock or draw a random number itself.

const FIRST_MS = 500;
const CAP_MS = 20_000;
const SOON_MS = 250;
/** The pauses of a terminal that can be resumed begin with this. */
const RESUME_FIRST_MS = 250;
/** They grow to no more than this while a break is that short, in milliseconds: what was typed in it is kept for ten minutes. */
const RESUME_CAPS = [
  { breakMs: 60_000, capMs: 1000 },
  { breakMs: 5 * 60_000, capMs: 2000 },
] as const;
/** Attempts that may be immediate before even a polite server restart is waited out like a failure. */
const SOON_ATTEMPTS = 3;
/** A connection that lived this long proves that the other side works. */
export const STABLE_MS = 10_000;

/** A number in [0, 1). */
export type Random = () => number;

/** Capped exponential delays, each drawn between half and all of its step so that pages do not return in step. */
export class Backoff {
  #attempts = 0;

  constructor(private readonly random: Random) {}

  /** After a failure, in milliseconds. `breakMs`: how long a terminal that can be resumed is away; undefined for any other. */
  next(breakMs?: number): number {
    const made = this.#attempts;
    this.#attempts += 1;
    const capMs = breakMs === undefined ? undefined : RESUME_CAPS.find((cap) => breakMs < cap.breakMs)?.capMs;
    if (capMs === undefined) return this.#upTo(Math.min(CAP_MS, FIRST_MS * 2 ** made));
    return made === 0 ? this.#atOnce() : this.#upTo(Math.min(capMs, RESUME_FIRST_MS * 2 ** (made - 1)));
  }

  /** After the server asked to come back at once, in milliseconds. */
  soon(breakMs?: number): number {
    if (this.#attempts >= SOON_ATTEMPTS) return this.next(breakMs);
    this.#attempts += 1;
    return this.#atOnce();
  }

  /** After the server named a time, in milliseconds: never earlier, up to a fifth later. */
  atLeast(ms: number): number {
    return Math.round(ms * (1 + this.random() / 5));
  }

  reset(): void {
    this.#attempts = 0;
  }

  #atOnce(): number {
    return Math.round(SOON_MS * this.random());
  }

  #upTo(stepMs: number): number {
    return Math.round(stepMs * (0.5 + this.random() / 2));
  }
}

const MAX_RETRY_AFTER_MS = 10 * 60_000;

/** A `Retry-After` header (RFC 9110, section 10.2.3: seconds or a date) in milliseconds from `nowMs`; undefined when there is none to follow. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\s*(\d{1,9})\s*$/.exec(header)?.[1];
  const ms = seconds === undefined ? Date.parse(header) - nowMs : Number(seconds) * 1000;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS) : undefined;
}
