// Reads a program's request to set the clipboard (OSC 52); it only reads, the viewer decides. Pure.

/** Longer texts are refused, in base64 characters. */
const MAX_BASE64_CHARS = 1024 * 1024;

/** The text to offer for copying; undefined for a question about the clipboard (never answered) or anything malformed. */
export function offeredText(payload: string): string | undefined {
  const separator = payload.indexOf(";");
  if (separator < 0) return undefined;
  const encoded = payload.slice(separator + 1);
  if (encoded === "" || encoded === "?" || encoded.length > MAX_BASE64_CHARS) return undefined;
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const PREVIEW_CHARS = 60;

/** One line that shows what a text begins with. */
export function preview(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, " ").trim();
  const characters = [...line];
  return characters.length > PREVIEW_CHARS ? `${characters.slice(0, PREVIEW_CHARS).join("")}…` : line;
}
