// What the page knows of its link and of who looks, and the few words that say it; what is not known is not said. Pure.

import type { Access, Viewers } from "./protocol.ts";

const MINUTE_MS = 60_000;
const HOUR_MIN = 60;
const DAY_MIN = 24 * HOUR_MIN;

export interface Presence {
  access: Access;
  viewers: Viewers | undefined;
  /** Time until the link ends; undefined where it does not, or nobody said. */
  leftMs: number | undefined;
}

/** One short text each, in the order of the line. */
export function presenceWords({ access, viewers, leftMs }: Presence): string[] {
  const said: string[] = [];
  if (access === "view") said.push("View only");
  if (viewers !== undefined) said.push(viewers.count === 1 ? "1 viewer" : `${viewers.count} viewers`);
  if (viewers?.typed) said.push(`${viewers.typed} typed last`);
  if (leftMs !== undefined) said.push(endWords(leftMs));
  return said;
}

/** Whole minutes, begun ones counted; hours and days where minutes say too much. */
function endWords(leftMs: number): string {
  const minutes = Math.ceil(leftMs / MINUTE_MS);
  if (minutes <= 0) return "link ends now";
  if (minutes < 2 * HOUR_MIN) return `link ends in ${minutes} min`;
  if (minutes < 2 * DAY_MIN) return `link ends in ${Math.floor(minutes / HOUR_MIN)} h`;
  return `link ends in ${Math.floor(minutes / DAY_MIN)} days`;
}

/** When the words change next, in milliseconds; a day is still told to the minute. */
export function wordsChangeInMs(leftMs: number): number | undefined {
  if (leftMs <= 0) return undefined;
  return leftMs % MINUTE_MS || MINUTE_MS;
}

/** That the end comes near is said aloud when so many minutes are left. */
const WARN_AT_MIN = [1, 5];

/** Says that the end comes near: once each time, and again only for an end that was moved away. */
export class EndWarning {
  /** The least of the marks that were reached. */
  #reached = Infinity;

  /** What to say now, if anything; whoever comes when less is left hears how much. */
  due(leftMs: number | undefined): string | undefined {
    const minutes = leftMs === undefined ? Infinity : Math.ceil(leftMs / MINUTE_MS);
    const mark = WARN_AT_MIN.find((mark) => minutes <= mark) ?? Infinity;
    const isNearer = mark < this.#reached;
    this.#reached = mark;
    if (!isNearer || minutes <= 0) return undefined;
    return `This link ends in ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`;
  }
}
