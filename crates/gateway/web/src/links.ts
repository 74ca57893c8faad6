// Which addresses in a terminal may be opened, and how; nothing but the web, and never with a way back to this page.

export function webAddress(text: string): URL | undefined {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url : undefined;
  } catch {
    return undefined;
  }
}

export function openWebAddress(text: string): void {
  const url = webAddress(text);
  if (url !== undefined) window.open(url.href, "_blank", "noopener,noreferrer");
}
