// The title of the tab: the agent's name first, whatever title a program sets (OSC 0 and 2).

const MAX_PROGRAM_CHARS = 60;

export function pageTitle(agent: string | undefined, program: string): string {
  const name = agent ?? "Agent terminal";
  const title = program.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ").trim();
  if (title === "" || title === name) return name;
  return `${name} – ${[...title].slice(0, MAX_PROGRAM_CHARS).join("")}`;
}
