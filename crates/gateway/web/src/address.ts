// Where the gateway's endpoints are, seen from the page's own address; the token in it goes nowhere else.

export interface Endpoints {
  info: string;
  terminal: string;
  wake: string;
}

/** `page` is the page's address, such as `https://host/s/{token}`; a query or fragment is dropped. */
export function endpoints(page: URL): Endpoints {
  const path = page.pathname.replace(/\/+$/, "");
  const info = new URL(`${path}/info`, page.origin);
  const terminal = new URL(`${path}/terminal`, page.origin);
  terminal.protocol = page.protocol === "https:" ? "wss:" : "ws:";
  const wake = new URL(`${path}/wake`, page.origin);
  return { info: info.href, terminal: terminal.href, wake: wake.href };
}
