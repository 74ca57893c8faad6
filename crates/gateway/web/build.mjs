// Bundles the page into dist/: index.html and assets/ with content-hashed names. Must not reach the network.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, "dist");
const assets = path.join(dist, "assets");

await rm(dist, { recursive: true, force: true });
await mkdir(assets, { recursive: true });

const script = await bundle("src/main.ts");
const style = await bundle("src/page.css");
const icon = await hashed("icon", ".svg", await readFile(path.join(here, "src/icon.svg")));
const licenses = await hashed("licenses", ".txt", Buffer.from(await thirdPartyLicenses()));

const names = { script, style, icon, licenses };
const template = await readFile(path.join(here, "src/index.html"), "utf8");
const html = template.replaceAll(/\{\{(\w+)\}\}/g, (_, key) => {
  if (!(key in names)) throw new Error(`index.html names an unknown asset: ${key}`);
  return `assets/${names[key]}`;
});
await writeFile(path.join(dist, "index.html"), html);

for (const name of (await readdir(assets)).sort()) await compress(name);

/** Bundles one entry and returns its hashed file name. */
async function bundle(entry) {
  const result = await build({
    absWorkingDir: here,
    entryPoints: [entry],
    outdir: assets,
    entryNames: "[name]-[hash]",
    bundle: true,
    format: "esm",
    target: ["es2022", "chrome111", "firefox114", "safari16.4"],
    minify: true,
    drop: ["console"], // xterm.js reports slow machines there, which is nothing to a viewer
    legalComments: "none", // said in full by the licenses file
    metafile: true,
    logLevel: "warning",
  });
  const [output] = Object.keys(result.metafile.outputs);
  return path.basename(output);
}

/** Writes the forms that the gateway serves beside a file; one that saves nothing is left out. */
async function compress(name) {
  const file = path.join(assets, name);
  const bytes = await readFile(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  const forms = { br: brotliCompressSync(bytes, { params }), gz: gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }) };
  const sizes = [`${bytes.length} B`];
  for (const [ending, form] of Object.entries(forms)) {
    if (form.length >= bytes.length) continue;
    await writeFile(`${file}.${ending}`, form);
    sizes.push(`${ending} ${form.length} B`);
  }
  console.log(`dist/assets/${name}: ${sizes.join(", ")}`);
}

async function hashed(name, extension, bytes) {
  const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 8).toUpperCase();
  const file = `${name}-${digest}${extension}`;
  await writeFile(path.join(assets, file), bytes);
  return file;
}

/** The texts that the bundled packages ask to travel with them. */
async function thirdPartyLicenses() {
  const manifest = JSON.parse(await readFile(path.join(here, "package.json"), "utf8"));
  const texts = [];
  for (const name of Object.keys(manifest.dependencies).sort()) {
    const folder = path.join(here, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
    const text = await readFile(path.join(folder, "LICENSE"), "utf8");
    texts.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  return texts.join("\n" + "-".repeat(72) + "\n\n");
}
