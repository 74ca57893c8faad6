// The size of the terminal's text: a sensible start, the viewer's choice kept in this browser (never beside a token).

const KEY = "kubeopencode.font-size";
const SMALLEST_PX = 8;
const LARGEST_PX = 32;
const PHONE_WIDTH_PX = 600;

/** In CSS pixels, for a page of this width. */
export function defaultFontSize(pageWidth: number): number {
  return pageWidth < PHONE_WIDTH_PX ? 12 : 14;
}

export function clampFontSize(px: number): number {
  return Math.min(LARGEST_PX, Math.max(SMALLEST_PX, Math.round(px)));
}

/** The part of `localStorage` this needs; it may be missing or refuse, and the page works without. */
export type Store = Pick<Storage, "getItem" | "setItem">;

export function savedFontSize(store: Store | undefined): number | undefined {
  const px = Number.parseInt(read(store) ?? "", 10);
  return Number.isNaN(px) ? undefined : clampFontSize(px);
}

export function saveFontSize(store: Store | undefined, px: number): void {
  try {
    store?.setItem(KEY, String(clampFontSize(px)));
  } catch {
    // A full or forbidden store only costs the memory of a preference.
  }
}

function read(store: Store | undefined): string | null | undefined {
  try {
    return store?.getItem(KEY);
  } catch {
    return undefined;
  }
}
