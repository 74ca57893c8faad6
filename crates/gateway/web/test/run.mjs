// Bundles the tests of one kind and hands them to Node's own runner.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const kind = process.argv[2];
const web = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = path.join(web, "test", kind);
const out = path.join(web, ".test", kind);

const tests = (await readdir(folder)).filter((name) => name.endsWith(".test.ts"));
if (tests.length === 0) throw new Error(`no tests in ${folder}`);
await rm(out, { recursive: true, force: true });
await build({
  entryPoints: tests.map((name) => path.join(folder, name)),
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  sourcemap: "inline",
  logLevel: "warning",
});
const bundles = tests.map((name) => path.join(out, name.replace(/\.ts$/, ".mjs")));
const { status } = spawnSync(process.execPath, ["--enable-source-maps", "--test", "--test-reporter=spec", ...process.argv.slice(3), ...bundles], { stdio: "inherit", cwd: web });
process.exit(status ?? 1);
