// Bytes in their order, added at the end and taken from the beginning. Pure.

import { head } from "./chunks.ts";

export class ByteQueue {
  #pieces: Uint8Array[] = [];
  #length = 0;

  /** Small pieces that wait are joined up to so many bytes: mouse reports must not become as many messages later. */
  constructor(private readonly pieceBytes: number) {}

  /** In bytes. */
  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.length + bytes.length <= this.pieceBytes) this.#pieces[this.#pieces.length - 1] = joined([last, bytes]);
    else this.#pieces.push(bytes);
    this.#length += bytes.length;
  }

  /** Moves all of `other` before the first byte. */
  prepend(other: ByteQueue): void {
    if (other.length === 0) return;
    this.#pieces.unshift(joined(other.#pieces));
    this.#length += other.length;
    other.clear();
  }

  /** The beginning, at most `limit` bytes and less where a piece ends or a character would be cut; undefined when there is nothing. */
  take(limit: number): Uint8Array | undefined {
    const [first] = this.#pieces;
    if (first === undefined) return undefined;
    const taken = head(first, limit);
    this.drop(taken.length);
    return taken;
  }

  /** Drops so many bytes of the beginning, or all. */
  drop(bytes: number): void {
    let left = Math.min(bytes, this.#length);
    this.#length -= left;
    for (let [first] = this.#pieces; first !== undefined && left > 0; [first] = this.#pieces) {
      if (first.length > left) this.#pieces[0] = first.subarray(left);
      else this.#pieces.shift();
      left -= Math.min(left, first.length);
    }
  }

  clear(): void {
    this.#pieces = [];
    this.#length = 0;
  }
}

function joined(pieces: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
