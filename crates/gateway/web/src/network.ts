// Whether it is worth asking at all: a browser logs each request that fails for want of a network.

export type Network = "online" | "offline";

/** `host` as in an address; one on this machine is reached without any network. */
export function network(host: string): Network {
  return navigator.onLine || isThisMachine(host) ? "online" : "offline";
}

export function isThisMachine(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}
