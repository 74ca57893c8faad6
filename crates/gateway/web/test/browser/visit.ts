// A viewer: a real Chromium on the page of a fake gateway, and everything that must never happen meanwhile.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { FakeGateway } from "./gateway.ts";

/** Another name of this machine, which a browser does not know to be that. */
export const OTHER_HOST = "page.test";

const FLAGS = [
  `--host-resolver-rules=MAP ${OTHER_HOST} 127.0.0.1`,
  "--no-first-run",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-proxy-server",
];
/** WebGL drawn by the CPU: Chromium then runs the page's GPU path on a machine without a GPU. */
const WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"];
const SCREENS = path.resolve(".test/screens");

export type Renderer = "webgl" | "dom";

/** `density` must be that of the contexts: the GPU path measures device pixels, which Chromium does not emulate. */
export async function launch(renderer: Renderer = "webgl", density = 1): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    chromiumSandbox: process.getuid?.() !== 0,
    args: [...FLAGS, `--force-device-scale-factor=${density}`, ...(renderer === "webgl" ? WEBGL : ["--disable-gpu", "--disable-3d-apis"])],
  });
}

export interface VisitOptions extends BrowserContextOptions {
  /** On by default: the screen can then be read as text. */
  reader?: "on" | "off";
  /** The page's address; that of this machine by default. */
  host?: string;
  prepare?: (page: Page, gateway: FakeGateway) => Promise<void>;
}

export interface Visit {
  page: Page;
  gateway: FakeGateway;
}

/** Runs one visit on a fresh gateway and profile; afterwards checks that nothing forbidden happened. */
export async function visit(browser: Browser, options: VisitOptions, act: (visit: Visit) => Promise<void>): Promise<void> {
  const { reader = "on", host = "127.0.0.1", prepare, ...rest } = options;
  const gateway = await FakeGateway.start();
  gateway.host = host;
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...rest });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const violations = watchForViolations(page, gateway);
    await page.addInitScript((mode) => localStorage.setItem("kubeopencode.screen-reader", mode), reader);
    await prepare?.(page, gateway);
    await page.goto(gateway.url);
    await act({ page, gateway });
    assert.deepEqual(violations, [], "nothing is refused by the policy, thrown, logged, or asked of a third party");
    assert.ok(gateway.requests.every(({ referer }) => referer === undefined), "no request carries a referrer");
  } finally {
    await context.close();
    await gateway.stop();
  }
}

function watchForViolations(page: Page, gateway: FakeGateway): string[] {
  const violations: string[] = [];
  page.on("pageerror", (error) => violations.push(`threw: ${error.message}`));
  page.on("console", (message) => {
    // The browser itself logs what the gateway refuses, as tests that force faults let it; the page never says anything there.
    const expected = /^Failed to load resource: the server responded with a status of [45]/.test(message.text());
    if (!expected) violations.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(gateway.origin)) violations.push(`third party: ${request.url()}`);
  });
  return violations;
}

/** Waits until the screen shows `text`. */
export async function shows(page: Page, text: string): Promise<void> {
  await page.locator(".xterm-accessibility-tree").getByText(text).first().waitFor({ state: "attached" });
}

/** Waits until the status says `text`. */
export async function says(page: Page, text: string | RegExp): Promise<void> {
  await page.locator("#status").getByText(text).waitFor();
}

export async function quiet(page: Page): Promise<void> {
  await page.locator("#status").waitFor({ state: "hidden" });
}

export async function screenshot(page: Page, name: string): Promise<void> {
  await mkdir(SCREENS, { recursive: true });
  await page.screenshot({ path: path.join(SCREENS, `${name}.png`) });
}

/** Pastes as the browser's own shortcut does, whatever the text's length. */
export async function paste(page: Page, text: string): Promise<void> {
  await page.evaluate((pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", pasted);
    document.activeElement?.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, text);
}
