// A screen to look at: what a program in the terminal might draw, in its colours. It says that it is fake.

const bold = (text: string) => `\x1b[1m${text}\x1b[0m`;
const rgb = (r: number, g: number, b: number, text: string) => `\x1b[38;2;${r};${g};${b}m${text}\x1b[0m`;

const RAINBOW = Array.from({ length: 40 }, (_, i) => `\x1b[48;2;${40 + i * 5};${90};${240 - i * 5}m \x1b[0m`).join("");

export const SAMPLE = [
  "",
  bold(" This is a fake gateway") + " of the page's own tests.",
  "",
  rgb(124, 196, 255, " ┌──────────────────────────────┐"),
  rgb(124, 196, 255, " │") + " 漢字 are wide, 🙂 too, é not " + rgb(124, 196, 255, "│"),
  rgb(124, 196, 255, " └──────────────────────────────┘"),
  ` \x1b[31mred \x1b[32mgreen \x1b[33myellow \x1b[34mblue \x1b[4munderlined\x1b[0m \x1b[3mitalic\x1b[0m \x1b[7minverse\x1b[0m`,
  ` ${RAINBOW}`,
  ` ▁▂▃▄▅▆▇█ ░▒▓ ⠋⠙⠹ ✓ ✗ → https://example.org/docs`,
  "",
  " $ ",
].join("\r\n");
