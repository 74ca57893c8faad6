// Cuts input into messages the gateway takes; a character of UTF-8 is never cut in two.

/** Pieces of at most `limit` bytes (at least 4) that share the memory of `bytes`. */
export function* chunks(bytes: Uint8Array, limit: number): Generator<Uint8Array> {
  let start = 0;
  while (bytes.length - start > limit) {
    const end = cut(bytes, start, start + limit);
    yield bytes.subarray(start, end);
    start = end;
  }
  if (start < bytes.length) yield bytes.subarray(start);
}

/** A UTF-8 character has at most three continuation bytes; more in a row is not UTF-8 and may be cut anywhere. */
function cut(bytes: Uint8Array, start: number, wanted: number): number {
  for (let at = wanted; at > start && at > wanted - 4; at--) {
    if (!isContinuation(bytes[at])) return at;
  }
  return wanted;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
