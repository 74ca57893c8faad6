// Whether a key press belongs to the clipboard or to the terminal; it must not touch either.

export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}

export type Platform = "mac" | "other";

/** `copy`: the page copies the selection. `browser`: the browser acts (paste). `terminal`: the program gets the key. */
export type Shortcut = "copy" | "browser" | "terminal";

/** On a Mac the clipboard is on Cmd and the browser sees to it; elsewhere Ctrl-C copies only while something is selected. */
export function shortcut(press: KeyPress, selection: "some" | "none", platform: Platform): Shortcut {
  if (platform === "mac" || !press.ctrlKey || press.altKey || press.metaKey) return "terminal";
  switch (press.key.toLowerCase()) {
    case "c":
      return press.shiftKey || selection === "some" ? "copy" : "terminal";
    case "v":
      return "browser";
    default:
      return "terminal";
  }
}
