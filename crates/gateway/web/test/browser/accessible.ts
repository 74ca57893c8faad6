// Looks at a page as axe does: https://github.com/dequelabs/axe-core. What it finds is a defect, in whatever state.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";

const AXE = readFileSync("node_modules/axe-core/axe.min.js", "utf8");

interface Found {
  id: string;
  help: string;
  nodes: Array<{ html: string; failureSummary?: string }>;
}

/** Every rule of axe, those of good practice too. */
export async function accessible(page: Page, state: string): Promise<void> {
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: Found[] }> } };
    return (await axe.run()).violations;
  });
  const said = found.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html}\n  ${failureSummary}`).join("\n")}`);
  assert.deepEqual(said, [], state);
}
