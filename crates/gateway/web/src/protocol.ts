// What the page and the gateway say to each other beside terminal bytes; it must not touch a socket.

/** The WebSocket subprotocol of the gateway's terminal endpoint. */
export const SUBPROTOCOL = "kubeopencode.terminal.v1";

/** The longest message the gateway takes, in bytes. */
export const MAX_MESSAGE_BYTES = 64 * 1024;

/** Unacknowledged output the gateway allows when `hello` names no window, in bytes. */
export const DEFAULT_WINDOW_BYTES = 256 * 1024;

/** WebSocket close codes that mean something here (RFC 6455, section 7.4.1, and the IANA registry for 1013). */
export const Close = { ended: 1000, draining: 1001, revoked: 1008, tryLater: 1013 } as const;

export interface Agent {
  name: string;
  namespace: string;
}

export interface Size {
  cols: number;
  rows: number;
}

export type ServerMessage =
  | { type: "hello"; agent: Agent | undefined; window: number; silenceMs: number | undefined }
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
        silenceMs: positive(value["silence_ms"]),
      };
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

export function resizeMessage({ cols, rows }: Size): string {
  return JSON.stringify({ type: "resize", cols, rows });
}

/** `bytes` is what was drawn since the last acknowledgement, not a total. */
export function ackMessage(bytes: number): string {
  return JSON.stringify({ type: "ack", bytes });
}

/** The agent of an `/info` answer or a `hello`; undefined unless both names are there. */
export function readAgent(value: unknown): Agent | undefined {
  if (!isObject(value)) return undefined;
  const { name, namespace } = value;
  return typeof name === "string" && name !== "" && typeof namespace === "string" ? { name, namespace } : undefined;
}

/** The sentence for the visitor in an error answer: `{"message": …}`, or nothing. */
export function readErrorMessage(body: string): string {
  const value = parseObject(body);
  return sentence(value?.["message"] ?? value?.["error"]);
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

function positive(value: unknown): number | undefined {
  const number = integer(value);
  return number !== undefined && number > 0 ? number : undefined;
}

const MAX_SENTENCE_CHARS = 300;

function sentence(value: unknown): string {
  return typeof value === "string" ? value.trim().slice(0, MAX_SENTENCE_CHARS) : "";
}
