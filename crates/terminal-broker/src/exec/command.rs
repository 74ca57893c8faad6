//! The command that is run in the pod, and how. Pure.

use std::iter;

use api_types::{Target, names};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Resource,
    api::AttachParams,
    core::{Request, request::Error},
};
use screen_wire::{Attach, SharedTerminal};

use super::{Screen, Shared};

/// Without a TTY: a TTY exec leaves its process behind whenever a client dies, this one's stdin ends.
pub(super) fn request(target: &Target, screen: &Screen) -> Result<http::Request<Vec<u8>>, Error> {
    let streams = AttachParams::default()
        .container(names::SERVER_CONTAINER)
        .stdin(true)
        .stdout(true)
        .stderr(true)
        .tty(false);
    let Screen { size, window_bytes, shared, .. } = screen;
    let attach = Attach {
        port: target.port,
        columns: size.columns,
        rows: size.rows,
        window_bytes: *window_bytes,
        shared: shared.as_ref().map(terminal),
    };
    let arguments = attach.arguments().map_err(Error::SerializeBody)?;
    let command = iter::once(names::AGENT_TOOLS_BINARY.to_owned()).chain(arguments);
    Request::new(Pod::url_path(&(), Some(&target.namespace))).exec(&target.pod, command, &streams)
}

fn terminal(shared: &Shared) -> SharedTerminal {
    let Shared { link, idle, comes } = shared;
    let name = names::link_terminal(link.as_ref());
    SharedTerminal { name, idle: Some(*idle), comes: *comes }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use api_types::LinkName;
    use screen_wire::{Comes, Join, Viewer};

    use super::*;
    use crate::viewer::{Encoding, Size};

    fn command(shared: Option<Shared>) -> Vec<String> {
        let target = Target { namespace: "team-a".into(), pod: "demo".into(), port: 4096 };
        let (size, encoding) = (Size { columns: 120, rows: 40 }, Encoding::Plain);
        let screen = Screen { size, window_bytes: 262_144, encoding, shared };
        let request = request(&target, &screen).unwrap();
        let query = request.uri().query().unwrap().to_owned();
        let pairs = query.split('&').filter_map(|pair| pair.strip_prefix("command="));
        let words = pairs.map(|word| String::from_utf8(decoded(word)).unwrap());
        words.skip(3).collect()
    }

    /// Without the percent-encoding of a query.
    fn decoded(word: &str) -> Vec<u8> {
        let (mut bytes, mut decoded) = (word.bytes(), vec![]);
        while let Some(byte) = bytes.next() {
            decoded.push(match byte {
                b'%' => {
                    let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                b'+' => b' ',
                other => other,
            });
        }
        decoded
    }

    fn of(link: Option<LinkName>) -> Shared {
        Shared { link, idle: Duration::from_secs(90), comes: Comes::Alone(None) }
    }

    const OWN: &str = "--port 4096 --columns 120 --rows 40 --window-bytes 262144";

    #[test]
    fn a_terminal_is_shared_by_name_and_only_where_that_is_asked_for() {
        assert_eq!(command(None).join(" "), OWN);
        let shared = format!("{OWN} --name default --idle-ms 90000");
        assert_eq!(command(Some(of(None))).join(" "), shared);
    }

    #[test]
    fn each_link_has_a_terminal_and_none_can_have_the_default_links() {
        let longest = "x".repeat(63);
        for name in ["qa", "link-qa", &longest] {
            let link = LinkName::parse(name).unwrap();
            let shared = format!("{OWN} --name link-{name} --idle-ms 90000");
            assert_eq!(command(Some(of(Some(link)))).join(" "), shared);
        }
    }

    #[test]
    fn where_a_viewer_is_passes_as_json() {
        let join = Join { drawn: Some(9), typed_to: 3, ..Join::new(Viewer::from_bytes([7; 16])) };
        let command = command(Some(Shared { comes: Comes::Alone(Some(join)), ..of(None) }));
        let [.., flag, value] = &command[..] else { panic!("{command:?}") };
        assert_eq!(flag, "--join");
        assert_eq!(serde_json::from_str::<Join>(value).unwrap(), join);
    }
}
