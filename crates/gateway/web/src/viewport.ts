// Follows the part of the window that can be seen: its size, an on-screen keyboard, and the density of its pixels.

/** Calls `changed` after layout, at most once a frame. */
export function followViewport(page: HTMLElement, surface: HTMLElement, changed: () => void): void {
  let frame: number | undefined;
  const soon = () => {
    frame ??= requestAnimationFrame(() => {
      frame = undefined;
      changed();
    });
  };
  new ResizeObserver(soon).observe(surface);
  followVisualViewport(page);
  followDensity(soon);
}

/** A keyboard on the screen shrinks only the visual viewport in some browsers: the page keeps to what is left of it. */
function followVisualViewport(page: HTMLElement): void {
  const visual = window.visualViewport;
  if (visual === null) return;
  const place = () => {
    // Magnified by the viewer: the page must stay as it is, or it would shrink under the glass.
    if (Math.abs(visual.scale - 1) > 0.01) return;
    page.style.setProperty("--height", `${visual.height}px`);
    page.style.setProperty("--top", `${visual.offsetTop}px`);
  };
  visual.addEventListener("resize", place);
  visual.addEventListener("scroll", place);
  place();
}

/** A window moved to another screen, or zoomed: there is no event but that a query about the present density stops matching. */
function followDensity(changed: () => void): void {
  const query = window.matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
  query.addEventListener(
    "change",
    () => {
      changed();
      followDensity(changed);
    },
    { once: true },
  );
}

/** Runs `act` once calls have stopped for `ms`. */
export function debounced(ms: number, act: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, ms);
  };
}
