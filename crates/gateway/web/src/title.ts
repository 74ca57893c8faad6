// The title of the tab: the agent's name first, whatever a program in the terminal wishes.

const MAX_PROGRAM_CHARS = 60;

export function pageTitle(agent: string | undefined, program: string): string {
  const name = agent ?? "Agent terminal";
  const wish = program.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ").trim();
  if (wish === "" || wish === name) return name;
  return `${name} – ${[...wish].slice(0, MAX_PROGRAM_CHARS).join("")}`;
}
