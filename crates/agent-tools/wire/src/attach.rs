//! The command line of the program that shows a terminal, for those who exec it. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    pub comes: Comes,
}

/// Who comes to a terminal by one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Comes {
    /// One viewer, which says where it is if it may come again.
    Alone(Option<Join>),
    /// Those whom the stream's owner names by [`Frame::Enter`](crate::Frame::Enter).
    Trunk,
}

impl Attach {
    /// The arguments of `agent-tools`.
    pub fn arguments(&self) -> serde_json::Result<Vec<String>> {
        let mut words = ["screen", "attach"].map(str::to_owned).to_vec();
        words.extend(value("--port", &self.port));
        words.extend(value("--columns", &self.columns));
        words.extend(value("--rows", &self.rows));
        words.extend(value("--window-bytes", &self.window_bytes));
        if let Some(shared) = &self.shared {
            words.extend(shared.arguments()?);
        }
        Ok(words)
    }
}

impl SharedTerminal {
    fn arguments(&self) -> serde_json::Result<Vec<String>> {
        let mut words = value("--name", &self.name).to_vec();
        words.extend(self.idle.into_iter().flat_map(|idle| value("--idle-ms", &idle.as_millis())));
        match self.comes {
            Comes::Alone(None) => {}
            Comes::Alone(Some(join)) => {
                words.extend(value("--join", &serde_json::to_string(&join)?));
            }
            Comes::Trunk => words.push("--trunk".to_owned()),
        }
        Ok(words)
    }
}

fn value(flag: &str, value: &impl ToString) -> [String; 2] {
    [flag.to_owned(), value.to_string()]
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
        let shared =
            SharedTerminal { name: "default".into(), idle: None, comes: Comes::Alone(None) };
        assert_eq!(line(Some(shared.clone())), format!("{OWN} --name default"));
        let idle = Some(Duration::from_secs(90));
        let shared = SharedTerminal { idle, ..shared };
        assert_eq!(line(Some(shared)), format!("{OWN} --name default --idle-ms 90000"));
    }

    #[test]
    fn where_a_viewer_is_passes_as_json() {
        let join = Join { drawn: Some(9), typed_to: 3, ..Join::new(Viewer::from_bytes([7; 16])) };
        let comes = Comes::Alone(Some(join));
        let shared = SharedTerminal { name: "link-qa".into(), idle: None, comes };
        let line = line(Some(shared));
        let (before, value) = line.split_once(" --join ").unwrap();
        assert_eq!(before, format!("{OWN} --name link-qa"));
        assert_eq!(serde_json::from_str::<Join>(value).unwrap(), join);
    }

    #[test]
    fn a_trunk_is_a_flag_without_a_value() {
        let idle = Some(Duration::from_secs(90));
        let shared = SharedTerminal { name: "link-qa".into(), idle, comes: Comes::Trunk };
        assert_eq!(line(Some(shared)), format!("{OWN} --name link-qa --idle-ms 90000 --trunk"));
    }
}
