// Where a viewer is in the output of a terminal, over all of its connections. Pure.

import type { Resume } from "./protocol.ts";

/** How a terminal opens: with what follows what was drawn before, or as one that this page has never seen. */
export type Start = "resumed" | "anew";

/** What the server is told of it when one comes, perhaps again. */
export interface DrawnSoFar {
  viewer: string;
  terminal: string | undefined;
  drawn: number | undefined;
}

export class Positions {
  #terminal: string | undefined;
  /** Bytes of the program's output before what comes next, or before what follows the drawn screen that comes. */
  #position: number | undefined;
  /** Output that is still to come of a drawn screen, in bytes; it is not the program's. */
  #screenBytes = 0;

  /** `viewer`: 32 hexadecimal digits, which tell the viewers of one link from each other and allow nothing. */
  constructor(private readonly viewer: string) {}

  /** Without `drawn` the screen is drawn anew: nothing was drawn yet, or half a screen. */
  join(): DrawnSoFar {
    return { viewer: this.viewer, terminal: this.#terminal, drawn: this.#screenBytes > 0 ? undefined : this.#position };
  }

  /** A terminal is open; undefined where it cannot be resumed. */
  opened(resume: Resume | undefined): Start {
    if (resume !== undefined && resume.terminal === this.#terminal) return "resumed";
    this.#terminal = resume?.terminal;
    this.#position = undefined;
    this.#screenBytes = 0;
    return "anew";
  }

  /** Whether the terminal that was opened last can be gone on with. */
  get canResume(): boolean {
    return this.#terminal !== undefined;
  }

  /** The server says where the output is after the next `screenBytes`, which draw a screen. */
  at(position: number, screenBytes: number): void {
    this.#position = position;
    this.#screenBytes = screenBytes;
  }

  /** So much output came. */
  received(bytes: number): void {
    const ofScreen = Math.min(bytes, this.#screenBytes);
    this.#screenBytes -= ofScreen;
    if (this.#position !== undefined) this.#position += bytes - ofScreen;
  }
}

const VIEWER_BYTES = 16;

/** The name of a viewer, made of random bytes. */
export function viewerName(fill: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array): string {
  return [...fill(new Uint8Array(VIEWER_BYTES))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
