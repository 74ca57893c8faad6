#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { count } from "./words.js";

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: words FILE...");
  process.exit(2);
}
const text = files.map((file) => readFileSync(file, "utf8")).join("\n");
for (const [word, times] of count(text)) {
  console.log(`${times}\t${word}`);
}
