//! What a page is told of those who share its screen.

use terminal_proto::v1::{LastTyped, Presence, Size};

use super::{
    resuming::{Page, joining, passed},
    *,
};

#[tokio::test]
async fn a_page_is_told_of_those_who_share_its_screen_and_of_its_size() {
    let mut page = Page::with(&joining(""), Access::Interact).await;
    let presence = Presence {
        size: Some(Size { columns: 99, rows: 33 }),
        viewers: 2,
        typed: LastTyped::Another.into(),
    };
    let (told, _) = passed(&mut page, vec![Response::Presence(presence)], vec![], (2, 0)).await;
    let expected = [
        r#"{"type":"screen","cols":99,"rows":33}"#,
        r#"{"type":"viewers","count":2,"typed":"Another viewer"}"#,
    ];
    assert_eq!(told, expected.map(Message::text));
}
