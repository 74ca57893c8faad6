//! What those who look at one terminal are told of each other.

use screen_wire::{Frame, LastTyped};

use crate::{
    trunk::{Guest, Trunk},
    trunks::terminal,
};

fn is_told(viewers: u16, typed: LastTyped) -> impl Fn(&Guest) -> bool {
    move |guest| guest.presence.is_some_and(|told| (told.viewers, told.typed) == (viewers, typed))
}

#[tokio::test]
async fn all_who_look_are_told_how_many_they_are_and_who_typed_last() {
    let terminal = terminal("printf ready; exec cat");
    let (mut one, mut other) = (Trunk::to(&terminal), Trunk::to(&terminal));
    one.enters(1).await;
    one.until(1, is_told(1, LastTyped::Nobody)).await;
    one.enters(2).await;
    other.enters(3).await;
    for number in [1, 2] {
        one.until(number, is_told(3, LastTyped::Nobody)).await;
    }
    other.until(3, is_told(3, LastTyped::Nobody)).await;

    one.types(2, b"x").await;
    one.until(2, is_told(3, LastTyped::You)).await;
    one.until(1, is_told(3, LastTyped::Another)).await;
    other.until(3, is_told(3, LastTyped::Another)).await;

    one.says(2, Frame::Leave).await;
    one.until(1, is_told(2, LastTyped::Nobody)).await;
    other.until(3, is_told(2, LastTyped::Nobody)).await;
}

#[tokio::test]
async fn the_size_of_who_types_is_told_to_all_before_what_is_drawn_for_it() {
    let terminal =
        terminal("trap 'stty size' WINCH; printf ready; while :; do sleep 1000 & wait; done");
    let mut trunk = Trunk::to(&terminal);
    for number in [1, 2] {
        trunk.enters(number).await;
        trunk.until(number, |guest| guest.follows).await;
    }
    trunk.types(2, b"x").await;
    trunk.until(2, is_told(2, LastTyped::You)).await;
    trunk.says(1, Frame::Resize { columns: 99, rows: 33 }).await;
    trunk.types(1, b"x").await;
    // The program says its size as soon as it has another one.
    trunk.sees(2, "33 99").await;
    for number in [1, 2] {
        let told = trunk.guest(number).presence.unwrap();
        assert_eq!((told.columns, told.rows), (99, 33), "viewer {number}");
    }
}
