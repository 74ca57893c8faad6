//! Pages that come again and go on where they were, and those that cannot.

use terminal_proto::v1::{Interrupt, Join, OutputPosition, Resumed, Size, Typed};

use super::*;

const VIEWER: &str = "07070707070707070707070707070707";
const RESIZE: &str = r#"{"type":"resize","cols":80,"rows":24}"#;
const INTERRUPT: &str = r#"{"type":"interrupt"}"#;

pub(super) struct Page {
    viewer: Viewer<DuplexStream>,
    browser: Browser,
    requests: Requests,
    granted: watch::Sender<Grant>,
}

impl Page {
    /// Over a connection of which either end takes so many bytes at once.
    async fn over(capacity: usize, protocol: Protocol, access: Access) -> Self {
        let (near, far) = duplex(capacity);
        let upstream = Upstream::new(Open::default());
        let requests = upstream.attempts().next();
        let (granted, grants) = granted(access);
        let viewer = viewer_of(near, protocol, upstream, grants).await;
        let browser = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
        Self { viewer, browser, requests, granted }
    }

    /// Its `first` message is taken.
    pub(super) async fn with(first: &str, access: Access) -> Self {
        let mut page = Self::over(256 * 1024, Protocol::V1, access).await;
        page.say(first).await;
        assert_eq!(receive_size(&mut page.viewer).await, Ok(()), "{first}");
        page
    }

    async fn say(&mut self, text: &str) {
        self.browser.send(Message::text(text)).await.unwrap();
    }

    /// What the broker is asked next.
    async fn asked(&mut self) -> Request {
        self.requests.next().await.unwrap().request.unwrap()
    }

    fn opened(&mut self, resumed: Option<Resumed>) {
        let agent = AgentName { name: "demo", namespace: "qa" };
        let opened = Opened { resumed, ..Opened::default() };
        self.viewer.opened(&opened, agent, Duration::ZERO, &Span::none()).unwrap();
    }
}

pub(super) fn joining(members: &str) -> String {
    let join = format!(r#"{{"viewer":"{VIEWER}"{members}}}"#);
    format!(r#"{{"type":"resize","cols":80,"rows":24,"join":{join}}}"#)
}

fn output(text: &'static str) -> Response {
    Response::Output(Bytes::from_static(text.as_bytes()))
}

fn position(position: u64, screen_bytes: u32) -> Response {
    Response::Position(OutputPosition { position, screen_bytes })
}

fn typed(position: u64, interrupts: u32) -> Request {
    Request::Typed(Typed { position, interrupts })
}

fn input(text: &'static str) -> Request {
    Request::Input(Bytes::from_static(text.as_bytes()))
}

/// So many messages and requests that pass, while `page` says each of `acts` and the broker each of
/// `responses`.
pub(super) async fn passed(
    page: &mut Page,
    responses: Vec<Response>,
    acts: Vec<Message>,
    (messages, requests): (usize, usize),
) -> (Vec<Message>, Vec<Request>) {
    let Page { viewer, browser, requests: asking, .. } = page;
    let said = |response| Ok(AttachResponse { response: Some(response) });
    let responses = stream::iter(responses.into_iter().map(said));
    let mut outputs = Outputs::new(responses.chain(stream::pending()));
    let story = async {
        for act in acts {
            browser.send(act).await.unwrap();
        }
        let told = browser.by_ref().take(messages).map(Result::unwrap);
        let asked = asking.by_ref().take(requests).map(|asked| asked.request.unwrap());
        (told.collect().await, asked.collect().await)
    };
    tokio::select! {
        biased;
        ending = relay(viewer, &mut outputs, untraced()) => panic!("{ending:?}"),
        passed = story => passed
    }
}

/// The page's next message.
async fn told(page: &mut Page, acts: Vec<Message>) -> Message {
    passed(page, vec![], acts, (1, 0)).await.0.remove(0)
}

fn credit(bytes: u64) -> Message {
    Message::text(format!(r#"{{"type":"credit","bytes":{bytes}}}"#))
}

#[tokio::test]
async fn a_page_says_where_it_is_and_is_told_from_where_on_to_type() {
    let members =
        r#","terminal":"00000000000000ff","drawn":9,"typed_from":3,"typed_to":8,"interrupts":2"#;
    let mut page = Page::with(&joining(members), Access::Interact).await;
    let join = Join {
        viewer: vec![7; 16].into(),
        terminal: 0xff,
        drawn: Some(9),
        typed_from: 3,
        typed_to: 8,
        interrupts: 2,
    };
    let size = Some(Size { columns: 80, rows: 24 });
    let open = Open { size, join: Some(join), ..Open::default() };
    assert_eq!(page.asked().await, Request::Open(open));

    page.opened(Some(Resumed { terminal: 0xff, typed: 5 }));
    let hello = told(&mut page, vec![]).await;
    let resume = r#""resume":{"terminal":"00000000000000ff","typed":5}"#;
    assert!(hello.to_text().unwrap().contains(resume), "{hello}");
}

#[tokio::test]
async fn a_later_join_of_the_same_connection_counts_for_nothing() {
    let mut page = Page::with(&joining(r#","interrupts":2"#), Access::Interact).await;
    page.say(&joining(r#","interrupts":9"#)).await;
    page.say(r#"{"type":"resize","cols":90,"rows":24,"join":7}"#).await;
    let waiting = while_opening(&mut page.viewer, std::future::pending::<Result<(), Ending>>());
    assert_eq!(futures::FutureExt::now_or_never(waiting), None);
    let Request::Open(open) = page.asked().await else { panic!("not open") };
    assert_eq!(open.size, Some(Size { columns: 90, rows: 24 }));
    assert_eq!(open.join.unwrap().interrupts, 2);
}

#[tokio::test]
async fn positions_come_where_they_are_in_the_output_however_slowly_that_is_taken() {
    let mut page = Page::over(5, Protocol::V1, Access::Interact).await;
    page.opened(None);
    let responses = vec![
        position(7, 20),
        output("a screen as it was. "),
        output("what comes"),
        position(40, 0),
        position(41, 0),
        output(" after "),
        output("that"),
    ];
    let at = |position, screen_bytes| {
        Message::text(format!(
            r#"{{"type":"position","position":{position},"screen_bytes":{screen_bytes}}}"#
        ))
    };
    let (told, _) = passed(&mut page, responses, vec![], (6, 0)).await;
    assert!(told[0].to_text().unwrap().contains("hello"));
    let expected = [
        at(7, 20),
        Message::binary("a screen as it was. what comes"),
        at(40, 0),
        at(41, 0),
        Message::binary(" after that"),
    ];
    assert_eq!(told[1..], expected);
}

/// A page whose terminal is open, and that was told so.
async fn resumed(members: &str, access: Access, typed: u64) -> Page {
    let mut page = Page::with(&joining(members), access).await;
    assert!(matches!(page.asked().await, Request::Open(_)));
    page.opened(Some(Resumed { terminal: 1, typed }));
    told(&mut page, vec![]).await;
    page
}

#[tokio::test]
async fn a_break_between_an_interrupt_and_the_next_input_loses_neither_and_doubles_neither() {
    let mut page = resumed("", Access::Interact, 0).await;
    // 3 bytes wait here when the interrupt comes, which drops them.
    let acts = vec![Message::binary("abc"), Message::text(INTERRUPT)];
    assert_eq!(told(&mut page, acts).await, credit(3));
    assert_eq!(page.asked().await, typed(3, 1));

    let members =
        r#","terminal":"0000000000000001","drawn":0,"typed_from":3,"typed_to":3,"interrupts":1"#;
    let mut page = resumed(members, Access::Interact, 3).await;
    let (_, asked) = passed(&mut page, vec![], vec![Message::binary("de")], (0, 1)).await;
    assert_eq!(asked, [input("de")], "and no word before it");
    let (_, asked) = passed(&mut page, vec![], vec![Message::text(INTERRUPT)], (0, 1)).await;
    assert_eq!(asked, [typed(5, 2)]);
}

#[tokio::test]
async fn what_a_page_typed_that_might_only_look_keeps_its_positions() {
    let members = r#","typed_from":10,"typed_to":10,"interrupts":4"#;
    let mut page = resumed(members, Access::View, 10).await;
    let grant = |page: &Page, access| page.granted.send_modify(|grant| grant.access = access);
    let acts = vec![Message::binary("secret"), Message::text(INTERRUPT)];
    assert_eq!(told(&mut page, acts).await, credit(6));

    grant(&page, Access::Interact);
    let (_, asked) = passed(&mut page, vec![], vec![Message::binary("ls")], (1, 2)).await;
    assert_eq!(asked, [typed(16, 4), input("ls")]);

    // What waits here when the right is taken was typed with it, and goes before what was not.
    let ping = Message::Ping(Bytes::new());
    assert!(told(&mut page, vec![Message::binary("a"), ping]).await.is_pong());
    grant(&page, Access::View);
    let (told, _) = passed(&mut page, vec![], vec![Message::binary("bc")], (2, 0)).await;
    assert_eq!(told[1], credit(2));
    grant(&page, Access::Interact);
    let (_, asked) = passed(&mut page, vec![], vec![Message::binary("d")], (1, 3)).await;
    assert_eq!(asked, [input("a"), typed(21, 4), input("d")]);
}

/// What passes both ways in a session in which much happens.
async fn eventful(first: &str, resumed: Option<Resumed>) -> (Vec<Message>, Vec<Request>) {
    let mut page = Page::with(first, Access::Interact).await;
    assert!(matches!(page.asked().await, Request::Open(_)));
    page.opened(resumed);
    let acts = vec![
        Message::binary("abc"),
        Message::text(INTERRUPT),
        Message::text(r#"{"type":"resize","cols":1,"rows":2}"#),
        Message::binary("de"),
    ];
    let (mut messages, mut requests) = passed(&mut page, vec![output("x")], acts, (3, 3)).await;
    let grant = |page: &Page, access| page.granted.send_modify(|grant| grant.access = access);
    grant(&page, Access::View);
    messages.extend(passed(&mut page, vec![], vec![Message::binary("no")], (2, 0)).await.0);
    grant(&page, Access::Interact);
    let (told, asked) = passed(&mut page, vec![], vec![Message::binary("fg")], (1, 1)).await;
    messages.extend(told);
    requests.extend(asked);
    (messages, requests)
}

#[tokio::test]
async fn a_terminal_that_cannot_be_resumed_is_as_it_always_was() {
    let hello = r#"{"type":"hello","agent":{"name":"demo","namespace":"qa"},"window":262144,"input_window":65536,"silence_ms":25000,"access":"interact"}"#;
    let messages = [
        Message::text(hello),
        Message::binary("x"),
        credit(3),
        Message::text(r#"{"type":"link","access":"view"}"#),
        credit(2),
        Message::text(r#"{"type":"link","access":"interact"}"#),
    ];
    let requests = [
        Request::Resize(Size { columns: 1, rows: 2 }),
        Request::Interrupt(Interrupt {}),
        input("de"),
        input("fg"),
    ];
    let as_it_was = (messages.to_vec(), requests.to_vec());
    let resumed = Some(Resumed { terminal: 1, typed: 100 });
    assert_eq!(eventful(RESIZE, None).await, as_it_was);
    assert_eq!(eventful(&joining(r#","interrupts":4"#), None).await, as_it_was, "by the terminal");
    assert_eq!(eventful(RESIZE, resumed).await, as_it_was, "by the page");
}

#[tokio::test]
async fn a_join_that_cannot_be_understood_is_refused_by_name() {
    let refused = Ending::Violation(Violation::BadJoin);
    let joins = [
        "7",
        "[]",
        "{}",
        r#"{"viewer":"here"}"#,
        &format!(r#"{{"viewer":"{VIEWER}","terminal":255}}"#),
        &format!(r#"{{"viewer":"{VIEWER}","terminal":"{VIEWER}"}}"#),
        &format!(r#"{{"viewer":"{VIEWER}","drawn":18446744073709551615}}"#),
        &format!(r#"{{"viewer":"{VIEWER}","typed_to":-1}}"#),
        &format!(r#"{{"viewer":"{VIEWER}","interrupts":1e9}}"#),
    ];
    for join in joins {
        let first = format!(r#"{{"type":"resize","cols":80,"rows":24,"join":{join}}}"#);
        let mut page = Page::over(1024, Protocol::V1, Access::Interact).await;
        page.say(&first).await;
        assert_eq!(receive_size(&mut page.viewer).await, Err(refused.clone()), "{join}");

        let mut page = Page::over(1024, Protocol::Legacy, Access::Interact).await;
        page.say(&first).await;
        assert_eq!(receive_size(&mut page.viewer).await, Ok(()), "not read at all");
    }
    let frame = refused.close_frame();
    assert_eq!(u16::from(frame.code), 1002);
    assert!(frame.reason.starts_with("malformed join: viewer is 32 hex digits"), "{frame:?}");
}
