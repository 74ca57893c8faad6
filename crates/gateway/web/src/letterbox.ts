// How a screen whose size somebody else chose is drawn in this window: smaller where it does not fit, never too small to read. Pure.

import type { Size } from "./protocol.ts";

/** Smaller text is a pattern, not words. */
export const SMALLEST_SHARED_PX = 6;

/** In CSS pixels. */
export interface Box {
  width: number;
  height: number;
}

/** The text size with which all cells fit, no larger than the viewer's own; in CSS pixels. `cell` is measured at that size. */
export function sharedFontSize(own: number, cell: Box, shared: Size, room: Box): number {
  const scale = Math.min(1, room.width / (cell.width * shared.cols), room.height / (cell.height * shared.rows));
  const size = Math.floor(own * scale);
  return Math.max(Math.min(SMALLEST_SHARED_PX, own), size);
}
