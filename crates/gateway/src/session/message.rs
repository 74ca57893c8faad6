//! The JSON messages between page and gateway. Pure.

use screen_wire::{MAX_COLUMNS, MAX_ROWS};
use serde::{Deserialize, Serialize};
use share::Grant;
use terminal_proto::v1::{LastTyped, OutputPosition, Presence, Size};
use time::OffsetDateTime;

use super::join::{Joining, Resume};

/// What a viewer says. Types unknown to us are of a later page, and ignored.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum ClientMessage {
    /// The viewer's size in character cells. With the first comes where it is, if it wants to go on
    /// there.
    Resize { cols: u32, rows: u32, join: Option<Joining> },
    /// Output bytes drawn since the last `ack`.
    Ack { bytes: u64 },
    /// Ctrl-C that overtakes what was typed and not yet read, and drops it.
    Interrupt,
    #[serde(other)]
    Unknown,
}

impl ClientMessage {
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// A size within the contract's bounds: a window may be dragged to nothing.
pub(crate) fn size(columns: u32, rows: u32) -> Size {
    Size { columns: columns.clamp(1, MAX_COLUMNS.into()), rows: rows.clamp(1, MAX_ROWS.into()) }
}

/// What the gateway says to a viewer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum ServerMessage<'a> {
    /// First of all: the terminal is open. Output stops while `window` bytes of it are not
    /// acknowledged; `input_window` bytes of input may be sent beyond what `credit` gave back.
    /// Something comes at least every `silence_ms`: a viewer that hears nothing for so long has
    /// lost the gateway.
    Hello {
        agent: AgentName<'a>,
        window: u32,
        input_window: u32,
        silence_ms: u64,
        /// That the terminal can be resumed, and how it is now.
        #[serde(skip_serializing_if = "Option::is_none")]
        resume: Option<Resume>,
        #[serde(flatten)]
        link: LinkState,
    },
    /// The link changed, and the session goes on: from now on it is as this says.
    Link(LinkState),
    /// Input bytes that the program took or an interrupt dropped: as many may be sent anew.
    Credit { bytes: u64 },
    /// Where in the program's output one is, in order with it: the next `screen_bytes` of output draw
    /// the screen as it is, over whatever is there, and what follows them is from `position` on.
    Position { position: u64, screen_bytes: u32 },
    /// The size of the screen that all viewers share: what comes from here on is meant for it.
    Screen { cols: u32, rows: u32 },
    /// How many look, this viewer among them, and who of them typed last, if one who is still there did.
    Viewers {
        count: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        typed: Option<&'static str>,
    },
    /// Nothing but a sign of life: a page does not see the pings of the protocol itself.
    Heartbeat,
    /// The terminal's program ended by itself.
    Exit {
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<i32>,
        message: &'a str,
    },
}

/// What the link allows: `access` is `interact`, or `view`, whose input, sizes and interrupts have no
/// effect; `ends_in_ms` is how long it does so, and left out where it does not expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LinkState {
    access: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_in_ms: Option<u64>,
}

impl LinkState {
    pub(crate) fn of(grant: Grant, now: OffsetDateTime) -> Self {
        let left = grant.ends_at.map(|end| (end - now).whole_milliseconds().max(0));
        let ends_in_ms = left.map(|left| u64::try_from(left).unwrap_or(u64::MAX));
        Self { access: grant.access.word(), ends_in_ms }
    }
}

/// An agent as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AgentName<'a> {
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
}

impl From<OutputPosition> for ServerMessage<'_> {
    fn from(OutputPosition { position, screen_bytes }: OutputPosition) -> Self {
        Self::Position { position, screen_bytes }
    }
}

impl ServerMessage<'_> {
    /// What is told of those who share a terminal; of a size only where there is one.
    pub(crate) fn of_presence(presence: Presence) -> impl Iterator<Item = Self> {
        let typed = match presence.typed() {
            LastTyped::Unspecified => None,
            LastTyped::You => Some("You"),
            LastTyped::Another => Some("Another viewer"),
        };
        let screen =
            presence.size.map(|Size { columns, rows }| Self::Screen { cols: columns, rows });
        screen.into_iter().chain([Self::Viewers { count: presence.viewers, typed }])
    }

    pub(crate) fn to_json(&self) -> String {
        // Strings and numbers always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use terminal_proto::v1::Resumed;

    use super::*;

    #[test]
    fn client_messages() {
        let cases = [
            (
                r#"{"type":"resize","cols":120,"rows":40}"#,
                ClientMessage::Resize { cols: 120, rows: 40, join: None },
            ),
            (r#"{"type":"ack","bytes":12345}"#, ClientMessage::Ack { bytes: 12345 }),
            (r#"{"type":"ack","bytes":1,"more":true}"#, ClientMessage::Ack { bytes: 1 }),
            (r#"{"type":"interrupt"}"#, ClientMessage::Interrupt),
            (r#"{"type":"dance"}"#, ClientMessage::Unknown),
            (r#"{"type":"dance","cols":{}}"#, ClientMessage::Unknown),
        ];
        for (text, expected) in cases {
            assert_eq!(ClientMessage::parse(text).unwrap(), expected, "{text}");
        }
        for text in ["", "ls", "[]", "{}", r#"{"type":"resize","cols":-1,"rows":2}"#] {
            assert!(ClientMessage::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_join_that_cannot_be_understood_is_told_from_a_message_that_cannot() {
        let join = |join: &str| {
            let text = format!(r#"{{"type":"resize","cols":1,"rows":2,"join":{join}}}"#);
            match ClientMessage::parse(&text).unwrap() {
                ClientMessage::Resize { cols: 1, rows: 2, join } => join,
                other => panic!("{other:?}"),
            }
        };
        let viewer = "0".repeat(32);
        let first = join(&format!(r#"{{"viewer":"{viewer}"}}"#));
        assert!(matches!(first, Some(Joining::Page(_))), "{first:?}");
        for bad in ["7", "{}", "[[[]]]", r#"{"viewer":7}"#] {
            assert!(matches!(join(bad), Some(Joining::Malformed(_))), "{bad}");
        }
        assert_eq!(join("null"), None);
    }

    #[test]
    fn server_messages() {
        let agent = AgentName { name: "demo", namespace: "qa" };
        let (window, input_window, silence_ms) = (262_144, 65_536, 25_000);
        let link = LinkState { access: "interact", ends_in_ms: None };
        let hello = |resume| {
            let agent = agent.clone();
            ServerMessage::Hello { agent, window, input_window, silence_ms, resume, link }.to_json()
        };
        let expected = r#"{"type":"hello","agent":{"name":"demo","namespace":"qa"},"window":262144,"input_window":65536,"silence_ms":25000,"access":"interact"}"#;
        assert_eq!(hello(None), expected, "as an older page knows it");
        let resumed = Resumed { terminal: 0xff, typed: 5 };
        let resume = r#","resume":{"terminal":"00000000000000ff","typed":5},"access":"#;
        assert_eq!(hello(Some(resumed.into())), expected.replace(r#","access":"#, resume));
        let position = ServerMessage::from(OutputPosition { position: 9, screen_bytes: 4 });
        assert_eq!(position.to_json(), r#"{"type":"position","position":9,"screen_bytes":4}"#);
        let presence = |size, typed: LastTyped| {
            let presence = Presence { size, viewers: 2, typed: typed.into() };
            ServerMessage::of_presence(presence)
                .map(|message| message.to_json())
                .collect::<Vec<_>>()
        };
        let screen = r#"{"type":"screen","cols":80,"rows":24}"#;
        let viewers = |typed: &str| format!(r#"{{"type":"viewers","count":2{typed}}}"#);
        let size = Some(Size { columns: 80, rows: 24 });
        assert_eq!(presence(size, LastTyped::Unspecified), [screen, &viewers("")]);
        assert_eq!(presence(None, LastTyped::You), [viewers(r#","typed":"You""#)]);
        assert_eq!(presence(None, LastTyped::Another), [viewers(r#","typed":"Another viewer""#)]);
        let link = ServerMessage::Link(LinkState { access: "view", ends_in_ms: Some(60_000) });
        assert_eq!(link.to_json(), r#"{"type":"link","access":"view","ends_in_ms":60000}"#);
        let credit = ServerMessage::Credit { bytes: 3 };
        assert_eq!(credit.to_json(), r#"{"type":"credit","bytes":3}"#);
        assert_eq!(ServerMessage::Heartbeat.to_json(), r#"{"type":"heartbeat"}"#);

        let exit = |code| ServerMessage::Exit { code, message: "bye" }.to_json();
        assert_eq!(exit(Some(0)), r#"{"type":"exit","code":0,"message":"bye"}"#);
        assert_eq!(exit(None), r#"{"type":"exit","message":"bye"}"#);
    }

    #[test]
    fn how_long_a_link_goes_on_is_told_and_never_less_than_nothing() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let left = |ends_at| {
            let (access, limits) = (api_types::Access::View, share::Limits::default());
            LinkState::of(Grant { ends_at, access, limits }, now)
        };
        assert_eq!(left(None), LinkState { access: "view", ends_in_ms: None });
        for (seconds, expected) in [(90, 90_000), (0, 0), (-90, 0)] {
            let end = now + time::Duration::seconds(seconds);
            assert_eq!(left(Some(end)).ends_in_ms, Some(expected), "{seconds}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,80}") {
            let _ = ClientMessage::parse(&text);
        }

        #[test]
        fn sizes_stay_within_the_contract(columns: u32, rows: u32) {
            let size = size(columns, rows);
            prop_assert!((1..=MAX_COLUMNS.into()).contains(&size.columns));
            prop_assert!((1..=MAX_ROWS.into()).contains(&size.rows));
        }
    }
}
