// A fake gateway: serves the built page and lets a test say what the real one would. It checks no token and knows no cluster.

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { WebSocketServer, type WebSocket } from "ws";

/** The page's sources, which the real gateway reads from the same file, and the limits that it puts on every answer. */
const POLICY = `${readFileSync("csp.txt", "utf8").trim()}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export const TOKEN = "A".repeat(43);
export const AGENT = { name: "fake-agent", namespace: "fake-namespace" };

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};
const DIST = path.resolve("dist");
const PATIENCE_MS = 20_000;

export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** As the real gateway names it, in bytes. */
export const INPUT_WINDOW_BYTES = 64 * 1024;

/** One terminal that the page opened. */
export class FakeTerminal {
  readonly input: Buffer[] = [];
  readonly control: Array<Record<string, unknown>> = [];
  /** Everything the page said, in its order: `input` for bytes, otherwise the message's type. */
  readonly order: string[] = [];
  /** Why the page's side closed, once it did. */
  closeCode: number | undefined;
  receivedBytes = 0;
  /** The most input that was ever sent and not credited, in bytes. */
  maxUncreditedBytes = 0;
  #creditedBytes = 0;

  constructor(readonly socket: WebSocket, readonly protocol: string, changed: () => void) {
    socket.on("message", (data: Buffer, binary: boolean) => {
      if (binary) this.#read(data);
      else this.#readControl(JSON.parse(data.toString()) as Record<string, unknown>);
      changed();
    });
    socket.on("close", (code) => {
      this.closeCode = code;
      changed();
    });
  }

  /** `input_window: undefined` is an older gateway, which sends no credit; without `resume` the terminal cannot be resumed. */
  hello(fields: { window?: number; input_window?: number | undefined; silence_ms?: number; access?: "view" | "interact"; ends_in_ms?: number; resume?: { terminal: string; typed: number } } = {}): void {
    this.say({ type: "hello", agent: AGENT, window: 256 * 1024, input_window: INPUT_WINDOW_BYTES, ...fields });
  }

  /** Input that the page sent and that was not credited, in bytes. */
  get uncreditedBytes(): number {
    return this.receivedBytes - this.#creditedBytes;
  }

  credit(bytes: number): void {
    this.#creditedBytes += bytes;
    this.say({ type: "credit", bytes });
  }

  #read(data: Buffer): void {
    this.input.push(data);
    this.order.push("input");
    this.receivedBytes += data.length;
    this.maxUncreditedBytes = Math.max(this.maxUncreditedBytes, this.uncreditedBytes);
  }

  #readControl(message: Record<string, unknown>): void {
    this.control.push(message);
    this.order.push(String(message["type"]));
  }

  /** The `join` of the page's first message. */
  get join(): Record<string, unknown> {
    return this.control[0]?.["join"] as Record<string, unknown>;
  }

  /** The network is gone: nothing is read or answered any more, and nobody is told. */
  vanish(): void {
    this.socket.pause();
  }

  say(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  print(data: string | Uint8Array): void {
    this.socket.send(Buffer.from(data as string), { binary: true });
  }

  typed(): string {
    return Buffer.concat(this.input).toString();
  }

  acknowledged(): number {
    return this.control.filter(({ type }) => type === "ack").reduce((sum, { bytes }) => sum + Number(bytes), 0);
  }

  sizes(): Array<{ cols: number; rows: number }> {
    return this.control.filter(({ type }) => type === "resize").map(({ cols, rows }) => ({ cols: Number(cols), rows: Number(rows) }));
  }
}

export class FakeGateway {
  /** What `/info` answers; changed by tests. */
  info: Answer = { status: 200, body: AGENT };
  /** What `/wake` answers; changed by tests. */
  wake: () => Promise<Answer> = async () => ({ status: 202, body: {} });
  /** What the page's address calls it. */
  host = "127.0.0.1";
  readonly terminals: FakeTerminal[] = [];
  /** The content types of requests to `/wake`. */
  readonly woken: Array<string | undefined> = [];
  /** When `/info` was asked, in milliseconds. */
  readonly asked: number[] = [];
  readonly requests: Array<{ path: string; referer: string | undefined }> = [];
  #waiting = new Set<() => void>();

  private constructor(private readonly server: Server) {
    server.on("request", (request, response) => void this.#serve(request, response));
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] ?? false });
    server.on("upgrade", (request, socket, head) => {
      this.#note(request);
      sockets.handleUpgrade(request, socket, head, (ws) => {
        this.terminals.push(new FakeTerminal(ws, ws.protocol, () => this.#changed()));
        this.#changed();
      });
    });
  }

  static async start(): Promise<FakeGateway> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new FakeGateway(server);
  }

  get origin(): string {
    return `http://${this.host}:${(this.server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.origin}/s/${TOKEN}`;
  }

  async stop(): Promise<void> {
    for (const { socket } of this.terminals) socket.terminate();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** The nth terminal (from 0), opened and with its first message received. */
  async terminal(nth = 0): Promise<FakeTerminal> {
    await this.until(() => (this.terminals[nth]?.control.length ?? 0) > 0, `terminal ${nth}`);
    return this.terminals[nth] as FakeTerminal;
  }

  /** Waits for what the page does: checked after each of its requests and messages. */
  async until(holds: () => boolean, what: string): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const check = () => {
        if (!holds()) return;
        clearTimeout(deadline);
        this.#waiting.delete(check);
        resolve();
      };
      const deadline = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`timed out waiting for: ${what}`));
      }, PATIENCE_MS);
      this.#waiting.add(check);
    });
  }

  #changed(): void {
    for (const check of [...this.#waiting]) check();
  }

  #note(request: IncomingMessage): string {
    const { pathname } = new URL(request.url ?? "/", this.origin);
    this.requests.push({ path: pathname, referer: request.headers.referer });
    return pathname;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pathname = this.#note(request);
    if (pathname === `/s/${TOKEN}/info`) this.#answerInfo(response);
    else if (pathname === `/s/${TOKEN}/wake` && request.method === "POST") await this.#answerWake(request, response);
    else await this.#answerFile(pathname, response);
    this.#changed();
  }

  async #answerWake(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.woken.push(request.headers["content-type"]);
    this.#changed();
    this.#answerJson(await this.wake(), response);
  }

  #answerInfo(response: ServerResponse): void {
    this.asked.push(performance.now());
    this.#answerJson(this.info, response);
  }

  #answerJson({ status, body, headers }: Answer, response: ServerResponse): void {
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers });
    response.end(JSON.stringify(body ?? {}));
  }

  async #answerFile(pathname: string, response: ServerResponse): Promise<void> {
    const asset = /^\/s\/assets\/([\w.-]+)$/.exec(pathname)?.[1];
    const file = pathname === `/s/${TOKEN}` ? "index.html" : asset && path.join("assets", asset);
    if (!file) return void response.writeHead(404).end();
    const bytes = await readFile(path.join(DIST, file)).catch(() => undefined);
    if (bytes === undefined) return void response.writeHead(404).end();
    response.writeHead(200, {
      "content-type": TYPES[path.extname(file)] ?? "application/octet-stream",
      "content-security-policy": POLICY,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "permissions-policy": "clipboard-read=(self), clipboard-write=(self)",
      "cache-control": "no-store",
    });
    response.end(bytes);
  }
}
