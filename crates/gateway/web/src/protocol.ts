// What the page and the gateway say to each other beside terminal bytes; it must not touch a socket.

/** The WebSocket subprotocol of the gateway's terminal endpoint. */
export const SUBPROTOCOL = "kubeopencode.terminal.v1";

/** The longest message of input the page sends, in bytes; the gateway takes up to 64 KiB. */
export const INPUT_MESSAGE_BYTES = 16 * 1024;

/** Unacknowledged output the gateway allows when `hello` names no window, in bytes. */
export const DEFAULT_WINDOW_BYTES = 256 * 1024;

/** WebSocket close codes that mean something here (RFC 6455, section 7.4.1, and the IANA registry for 1013). */
export const Close = { ended: 1000, draining: 1001, protocol: 1002, invalidText: 1007, denied: 1008, tooBig: 1009, tryLater: 1013 } as const;

export interface Agent {
  name: string;
  namespace: string;
}

export interface Size {
  cols: number;
  rows: number;
}

/** What a viewer of this link may do: `view` only looks. The server decides; the page only does not offer what is refused. */
export type Access = "view" | "interact";

/** What the server says of the link. */
export interface LinkFacts {
  access: Access;
  /** Undefined where the link does not end, or the server does not say. */
  endsInMs: number | undefined;
}

/** Who looks at the same screen. */
export interface Viewers {
  count: number;
  /** Who typed last, as the server calls them. */
  typed: string | undefined;
}

/** That the terminal can be resumed. Positions are bytes since the beginning: of the program's output, and of what this viewer typed. */
export interface Resume {
  /** Names the terminal, in 16 hexadecimal digits: another one begins its positions anew. */
  terminal: string;
  /** From where on input is to be sent. */
  typed: number;
}

/** Where a viewer is that comes, perhaps again. */
export interface Join {
  viewer: string;
  terminal: string | undefined;
  /** The position up to which output was drawn; undefined where the screen is to be drawn anew. */
  drawn: number | undefined;
  typed_from: number;
  typed_to: number;
  interrupts: number;
}

export type ServerMessage =
  | {
      type: "hello";
      agent: Agent | undefined;
      /** Output that may be sent and not acknowledged, in bytes. */
      window: number;
      /** Input that may be sent and not credited, in bytes; undefined for an older gateway, which bounds nothing. */
      inputWindow: number | undefined;
      silenceMs: number | undefined;
      link: LinkFacts;
      /** Undefined where the terminal cannot be resumed. */
      resume: Resume | undefined;
    }
  /** The next `screenBytes` of output draw the screen over whatever is there; what follows is the program's, from `position` on. */
  | { type: "position"; position: number; screenBytes: number }
  /** The link was changed: all of it, as in `hello`. */
  | { type: "link"; link: LinkFacts }
  | { type: "viewers"; viewers: Viewers }
  /** The size of the screen that all viewers share; undefined where each has their own again. */
  | { type: "screen"; size: Size | undefined }
  | { type: "credit"; bytes: number }
  | { type: "heartbeat" }
  | { type: "exit"; code: number | undefined; message: string }
  | { type: "notice"; message: string };

/** Reads one text message; undefined for a type this page does not know, or for anything malformed. */
export function readServerMessage(text: string): ServerMessage | undefined {
  const value = parseObject(text);
  switch (value?.["type"]) {
    case "hello":
      return {
        type: "hello",
        agent: readAgent(value["agent"]),
        window: positive(value["window"]) ?? DEFAULT_WINDOW_BYTES,
        inputWindow: positive(value["input_window"]),
        silenceMs: positive(value["silence_ms"]),
        link: readLink(value),
        resume: readResume(value),
      };
    case "position":
      return readPosition(value);
    case "link":
      return { type: "link", link: readLink(value) };
    case "viewers":
      return readViewers(value);
    case "screen":
      return { type: "screen", size: readSize(value) };
    case "credit":
      return { type: "credit", bytes: positive(value["bytes"]) ?? 0 };
    case "heartbeat":
      return { type: "heartbeat" };
    case "exit":
      return { type: "exit", code: integer(value["code"]), message: sentence(value["message"]) };
    case "notice":
      return { type: "notice", message: sentence(value["message"]) };
    default:
      return undefined;
  }
}

/** A server that says nothing of access is an older one, which lets every viewer type. */
function readLink(value: Record<string, unknown>): LinkFacts {
  const endsInMs = integer(value["ends_in_ms"]);
  return { access: value["access"] === "view" ? "view" : "interact", endsInMs: endsInMs === undefined ? undefined : Math.max(0, endsInMs) };
}

/** Where nothing is credited nobody could say how much of the input is to be kept. */
function readResume({ resume, input_window }: Record<string, unknown>): Resume | undefined {
  if (!isObject(resume) || positive(input_window) === undefined) return undefined;
  const { terminal } = resume;
  const typed = count(resume["typed"]);
  return typeof terminal === "string" && /^[0-9a-f]{16}$/.test(terminal) && typed !== undefined ? { terminal, typed } : undefined;
}

function readPosition(value: Record<string, unknown>): ServerMessage | undefined {
  const [position, screenBytes] = [count(value["position"]), count(value["screen_bytes"])];
  return position === undefined || screenBytes === undefined ? undefined : { type: "position", position, screenBytes };
}

function readViewers(value: Record<string, unknown>): ServerMessage | undefined {
  const count = positive(value["count"]);
  if (count === undefined) return undefined;
  return { type: "viewers", viewers: { count, typed: name(value["typed"]) } };
}

/** The most of either that a terminal may have: `MAX_COLUMNS` and `MAX_ROWS` of the programs. */
export const MAX_CELLS = 1000;

function readSize(value: Record<string, unknown>): Size | undefined {
  const [cols, rows] = [positive(value["cols"]), positive(value["rows"])];
  if (cols === undefined || rows === undefined) return undefined;
  return { cols: Math.min(cols, MAX_CELLS), rows: Math.min(rows, MAX_CELLS) };
}

/** `join` is part of the first message of a connection. */
export function resizeMessage({ cols, rows }: Size, join?: Join): string {
  return JSON.stringify({ type: "resize", cols, rows, join });
}

/** `bytes` is what was drawn since the last acknowledgement, not a total. */
export function ackMessage(bytes: number): string {
  return JSON.stringify({ type: "ack", bytes });
}

/** Ctrl-C that overtakes what was typed before it: the gateway passes it before input that still lies on the way. */
export function interruptMessage(): string {
  return JSON.stringify({ type: "interrupt" });
}

/** The agent of an `/info` answer or a `hello`; undefined unless both names are there. */
export function readAgent(value: unknown): Agent | undefined {
  if (!isObject(value)) return undefined;
  const { name, namespace } = value;
  return typeof name === "string" && name !== "" && typeof namespace === "string" ? { name, namespace } : undefined;
}

/** The sentence for the viewer in an error answer: `{"message": …}`, or nothing. */
export function readErrorMessage(body: string): string {
  const value = parseObject(body);
  return sentence(value?.["message"] ?? value?.["error"]);
}

/** The stable word of an error answer: `{"reason": …}`, or nothing. */
export function readErrorReason(body: string): string {
  return sentence(parseObject(body)?.["reason"]);
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function integer(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}

function count(value: unknown): number | undefined {
  const number = integer(value);
  return number !== undefined && number >= 0 ? number : undefined;
}

function positive(value: unknown): number | undefined {
  const number = integer(value);
  return number !== undefined && number > 0 ? number : undefined;
}

const MAX_NAME_CHARS = 40;

/** A name in a line of text: short, and without characters that change the text around it. */
function name(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const characters = [...value.slice(0, MAX_SENTENCE_CHARS).replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, " ").trim()];
  return characters.slice(0, MAX_NAME_CHARS).join("") || undefined;
}

const MAX_SENTENCE_CHARS = 300;

function sentence(value: unknown): string {
  return typeof value === "string" ? value.trim().slice(0, MAX_SENTENCE_CHARS) : "";
}
