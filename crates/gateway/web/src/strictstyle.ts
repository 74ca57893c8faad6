// Lets xterm.js style itself under `style-src 'self'`: its inline styles go the ways a content security policy leaves open to scripts.
// It must run before the terminal opens, and changes nothing but `<style>` elements and `style` attributes.

/** xterm.js writes `<style>` elements and `style` attributes; constructed style sheets and `element.style` do the same and need no 'unsafe-inline'. */
export function allowStrictStyle(): void {
  const create = document.createElement.bind(document);
  document.createElement = ((name: string, options?: ElementCreationOptions) =>
    name === "style" ? styleCarrier(create("template")) : create(name, options)) as typeof document.createElement;

  const setAttribute = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (this: Element, name: string, value: string) {
    if (name === "style" && this instanceof HTMLElement) this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
}

/** An inert element in the place of a `<style>`: its text becomes a constructed style sheet, which goes when it is removed. */
function styleCarrier(carrier: HTMLElement): HTMLElement {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  Object.defineProperty(carrier, "textContent", { set: (css: string) => sheet.replaceSync(css) });
  const remove = carrier.remove.bind(carrier);
  carrier.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    remove();
  };
  return carrier;
}
