//! What a viewer asks for, checked. Pure; whether it gets that is decided elsewhere.

use std::net::IpAddr;

use api_types::ShareToken;
use screen_wire::{Join, MAX_COLUMNS, MAX_ROWS, Viewer};
use share::{ClientAddress, Denial};
use terminal_proto::v1::{self, AttachRequest, attach_request::Request};

use super::windows::OutputWindow;
use crate::closing::{Refusal, Violation};

/// A well-formed wish to open a terminal. Its Debug output shows no token.
#[derive(Debug)]
pub struct Opening {
    pub token: ShareToken,
    pub client: ClientAddress,
    pub size: Size,
    pub output: OutputWindow,
    pub encoding: Encoding,
    /// Of a viewer that comes again, or wants to be able to.
    pub join: Option<Join>,
}

/// How output may be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Plain,
    /// By LZ4, where that saves something.
    Lz4,
}

/// More bytes than anybody types or shows: with 1 GB/s it takes 292 years.
const POSITIONS: u64 = 1 << 63;

/// A terminal's size in character cells, each 1 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub columns: u16,
    pub rows: u16,
}

impl Opening {
    /// Reads the first request of a stream.
    pub fn parse(request: AttachRequest) -> Result<Self, Refusal> {
        let Some(Request::Open(open)) = request.request else {
            return Err(Violation::NotOpened.into());
        };
        let client: IpAddr = open.client_address.parse().map_err(|_| Violation::ClientAddress)?;
        let size = Size::parse(open.size.ok_or(Violation::Size)?)?;
        // A text that cannot be a token is answered like a token that nobody has.
        let token = ShareToken::parse(&open.token).ok_or(Denial::Unknown)?;
        let (client, output) = (ClientAddress::known(client), OutputWindow::new(open.window_bytes));
        let encoding = if open.accepts_lz4 { Encoding::Lz4 } else { Encoding::Plain };
        let join = open.join.map(join).transpose()?;
        Ok(Self { token, client, size, output, encoding, join })
    }
}

fn join(join: v1::Join) -> Result<Join, Violation> {
    let v1::Join { viewer, terminal, drawn, typed_from, typed_to, interrupts } = join;
    let viewer = <[u8; 16]>::try_from(&viewer[..]).map_err(|_| Violation::Viewer)?;
    let (typed_from, typed_to) = (position(typed_from)?, position(typed_to)?);
    let drawn = drawn.map(position).transpose()?;
    let viewer = Viewer::from_bytes(viewer);
    Ok(Join { viewer, terminal, drawn, typed_from, typed_to, interrupts })
}

/// A position as a caller says it: one that what is typed and shown later can still be added to.
pub fn position(said: u64) -> Result<u64, Violation> {
    if said < POSITIONS { Ok(said) } else { Err(Violation::Position) }
}

impl Size {
    pub fn parse(size: v1::Size) -> Result<Self, Violation> {
        let cells = |cells: u32, max| match u16::try_from(cells) {
            Ok(cells) if (1..=max).contains(&cells) => Ok(cells),
            _ => Err(Violation::Size),
        };
        Ok(Self { columns: cells(size.columns, MAX_COLUMNS)?, rows: cells(size.rows, MAX_ROWS)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> v1::Open {
        v1::Open {
            token: ShareToken::from_bytes(&[7; 32]).expose().to_owned(),
            client_address: "203.0.113.9".to_owned(),
            size: Some(v1::Size { columns: 120, rows: 40 }),
            window_bytes: 0,
            accepts_lz4: false,
            join: None,
        }
    }

    fn parse(open: v1::Open) -> Result<Opening, Refusal> {
        Opening::parse(AttachRequest { request: Some(Request::Open(open)) })
    }

    #[test]
    fn a_good_opening_is_understood() {
        let opening =
            parse(v1::Open { client_address: "::ffff:203.0.113.9".into(), ..open() }).unwrap();
        assert_eq!(opening.token.expose(), open().token);
        assert_eq!(opening.client, ClientAddress::known("203.0.113.9".parse().unwrap()));
        assert_eq!(opening.size, Size { columns: 120, rows: 40 });
        assert_eq!(opening.join, None);
    }

    fn joining() -> v1::Join {
        v1::Join {
            viewer: vec![1; 16].into(),
            terminal: u64::MAX,
            drawn: Some(0),
            typed_from: 5,
            typed_to: POSITIONS - 1,
            interrupts: 2,
        }
    }

    #[test]
    fn who_comes_again_says_where_it_was() {
        let opening = parse(v1::Open { join: Some(joining()), ..open() }).unwrap();
        let expected = Join {
            viewer: Viewer::from_bytes([1; 16]),
            terminal: u64::MAX,
            drawn: Some(0),
            typed_from: 5,
            typed_to: POSITIONS - 1,
            interrupts: 2,
        };
        assert_eq!(opening.join, Some(expected));
    }

    #[test]
    fn bad_openings_are_refused_for_their_fault() {
        let sized = |columns, rows| v1::Open { size: Some(v1::Size { columns, rows }), ..open() };
        let joining = |name, change: fn(&mut v1::Join), violation: Violation| {
            let mut join = joining();
            change(&mut join);
            (name, v1::Open { join: Some(join), ..open() }, Refusal::from(violation))
        };
        let cases = [
            (
                "no address",
                v1::Open { client_address: String::new(), ..open() },
                Violation::ClientAddress.into(),
            ),
            ("no size", v1::Open { size: None, ..open() }, Violation::Size.into()),
            ("no columns", sized(0, 40), Violation::Size.into()),
            ("too many rows", sized(80, 1001), Violation::Size.into()),
            ("absurdly many columns", sized(65_537, 40), Violation::Size.into()),
            (
                "a short token",
                v1::Open { token: "abc".into(), ..open() },
                Refusal::Denied(Denial::Unknown),
            ),
            joining("no viewer", |join| join.viewer.clear(), Violation::Viewer),
            joining("a long viewer", |join| join.viewer = vec![1; 17].into(), Violation::Viewer),
            joining("too much drawn", |join| join.drawn = Some(POSITIONS), Violation::Position),
            joining("too much typed", |join| join.typed_to = u64::MAX, Violation::Position),
            joining("an absurd start", |join| join.typed_from = POSITIONS, Violation::Position),
        ];
        for (name, open, expected) in cases {
            assert_eq!(parse(open).map(|_| ()), Err(expected), "{name}");
        }
    }

    #[test]
    fn a_stream_cannot_begin_with_anything_else() {
        for request in [None, Some(Request::Input("ls".into()))] {
            let refused = Opening::parse(AttachRequest { request }).map(|_| ());
            assert_eq!(refused, Err(Violation::NotOpened.into()));
        }
    }
}
