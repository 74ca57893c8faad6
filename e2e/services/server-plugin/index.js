// Both effects are visible by OpenCode's HTTP API: a tool, and the option's value in the configuration.
export default {
  id: "corp.server",
  server: async (_input, options) => ({
    config: async (config) => {
      config.username = options.team;
    },
    tool: { corp_greet: { description: "Greets", args: {}, execute: async () => "hello" } },
  }),
};
