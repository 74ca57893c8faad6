// The terminal UI has no API of its own: it leaves a file, once the UI has given it its API.
import { writeFileSync } from "node:fs";

export default {
  id: "corp.tui",
  tui: async (api, options) => {
    writeFileSync("/tmp/tui-plugin", `${typeof api.ui.toast} ${options.team}`);
  },
};
