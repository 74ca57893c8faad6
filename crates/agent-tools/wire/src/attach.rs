//! The command line of the program that shows a terminal, for those who exec it. Pure.

use std::time::Duration;

use crate::Join;

/// Which terminal is shown, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attach {
    /// Of the agent's server on localhost.
    pub port: u16,
    /// In character cells, as the rows.
    pub columns: u16,
    pub rows: u16,
    /// Output that may be sent and not yet credited.
    pub window_bytes: usize,
    /// Without this, the viewer has a terminal of its own. A pod of release 0.1.0 has no other.
    pub shared: Option<SharedTerminal>,
}

/// The terminal that all see who come by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedTerminal {
    pub name: String,
    /// How long it goes on without viewers, where it is started; otherwise as long as the program has it.
    pub idle: Option<Duration>,
    /// Of a viewer that may come again.
    pub join: Option<Join>,
}

impl Attach {
    /// The arguments of `agent-tools`.
    pub fn arguments(&self) -> serde_json::Result<Vec<String>> {
        let own = [
            ("--port", self.port.to_string()),
            ("--columns", self.columns.to_string()),
            ("--rows", self.rows.to_string()),
            ("--window-bytes", self.window_bytes.to_string()),
        ];
        let shared = self.shared.as_ref().map(SharedTerminal::flags).transpose()?;
        let flags = own.into_iter().chain(shared.into_iter().flatten());
        let words = flags.flat_map(|(flag, value)| [flag.to_owned(), value]);
        Ok(["screen", "attach"].map(str::to_owned).into_iter().chain(words).collect())
    }
}

impl SharedTerminal {
    fn flags(&self) -> serde_json::Result<Vec<(&'static str, String)>> {
        let join = self.join.map(|join| serde_json::to_string(&join)).transpose()?;
        let mut flags = vec![("--name", self.name.clone())];
        flags.extend(self.idle.map(|idle| ("--idle-ms", idle.as_millis().to_string())));
        flags.extend(join.map(|join| ("--join", join)));
        Ok(flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Viewer;

    const OWN: &str = "screen attach --port 4096 --columns 120 --rows 40 --window-bytes 262144";

    fn line(shared: Option<SharedTerminal>) -> String {
        let (port, columns, rows, window_bytes) = (4096, 120, 40, 262_144);
        let attach = Attach { port, columns, rows, window_bytes, shared };
        attach.arguments().unwrap().join(" ")
    }

    #[test]
    fn a_terminal_is_shared_by_name_and_only_where_that_is_asked_for() {
        assert_eq!(line(None), OWN);
        let shared = SharedTerminal { name: "default".into(), idle: None, join: None };
        assert_eq!(line(Some(shared.clone())), format!("{OWN} --name default"));
        let idle = Some(Duration::from_secs(90));
        let shared = SharedTerminal { idle, ..shared };
        assert_eq!(line(Some(shared)), format!("{OWN} --name default --idle-ms 90000"));
    }

    #[test]
    fn where_a_viewer_is_passes_as_json() {
        let join = Join { drawn: Some(9), typed_to: 3, ..Join::new(Viewer::from_bytes([7; 16])) };
        let shared = SharedTerminal { name: "link-qa".into(), idle: None, join: Some(join) };
        let line = line(Some(shared));
        let (before, value) = line.split_once(" --join ").unwrap();
        assert_eq!(before, format!("{OWN} --name link-qa"));
        assert_eq!(serde_json::from_str::<Join>(value).unwrap(), join);
    }
}
