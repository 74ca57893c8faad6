// Cuts input into messages the gateway takes; a character of UTF-8 is not cut in two where it fits. Pure.

/** The longest beginning of at most `limit` bytes that ends with a whole character; it shares the memory of `bytes`. */
export function head(bytes: Uint8Array, limit: number): Uint8Array {
  return bytes.length <= limit ? bytes : bytes.subarray(0, cut(bytes, limit));
}

/** A UTF-8 character has at most three continuation bytes; what is longer than `limit`, or no UTF-8, may be cut anywhere. */
function cut(bytes: Uint8Array, wanted: number): number {
  for (let at = wanted; at > 0 && at > wanted - 4; at--) {
    if (!isContinuation(bytes[at])) return at;
  }
  return wanted;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
