//! A viewer as a page is one: it knows how far it has drawn and typed, and comes again by that.

use std::collections::VecDeque;

use bytes::Bytes;
use screen_wire::{Frame, Join, Joined, Viewer as Key};

use crate::{terminal::Terminal, viewer::Viewer};

/// What a page does: it knows how far it is, and sends again what was not taken.
pub(crate) struct Page {
    terminal: Terminal,
    pub(crate) viewer: Viewer,
    pub(crate) join: Join,
    /// The program's output, from its beginning or from where the screen was last drawn.
    pub(crate) output: Vec<u8>,
    /// What draws the screen, as far as it has come.
    pub(crate) screen: Vec<u8>,
    screen_bytes: usize,
    /// What it has typed and was not credited.
    pub(crate) kept: VecDeque<u8>,
    credited: usize,
}

impl Page {
    pub(crate) async fn comes(terminal: &Terminal, key: u8) -> Self {
        let join = Join::new(Key::from_bytes([key; 16]));
        let viewer = terminal.clone().with(&["--join", &json(&join)]).viewer();
        let mut page = Self {
            terminal: terminal.clone(),
            viewer,
            join,
            output: vec![],
            screen: vec![],
            screen_bytes: 0,
            kept: VecDeque::new(),
            credited: 0,
        };
        page.is_joined().await;
        page
    }

    /// The connection before is gone, or only seems to be so.
    pub(crate) async fn comes_again(&mut self, before: Before) -> Joined {
        let join = Join { typed_from: self.join.typed_to - self.kept.len() as u64, ..self.join };
        let viewer = self.terminal.clone().with(&["--join", &json(&join)]).viewer();
        let former = std::mem::replace(&mut self.viewer, viewer);
        if before == Before::Gone {
            drop(former);
            return self.is_joined().await;
        }
        let joined = self.is_joined().await;
        drop(former);
        joined
    }

    async fn is_joined(&mut self) -> Joined {
        self.credited = 0;
        let Some(Frame::Joined(joined)) = self.viewer.next().await else {
            panic!("it is told where it is first of all")
        };
        if joined.terminal != self.join.terminal {
            (self.join.terminal, self.join.drawn) = (joined.terminal, None);
            self.output.clear();
            self.kept.clear();
        }
        while self.join.typed_to - self.kept.len() as u64 != joined.typed {
            self.kept.pop_front().expect("it goes on within what can be sent again");
        }
        let again = Bytes::from(Vec::from(self.kept.clone()));
        if !again.is_empty() {
            self.viewer.send_until_refused(Frame::Input(again)).await;
        }
        joined
    }

    /// Types what is lost on the way.
    pub(crate) fn types_into_the_void(&mut self, text: &[u8]) {
        self.kept.extend(text);
        self.join.typed_to += text.len() as u64;
    }

    pub(crate) async fn types(&mut self, text: &[u8]) {
        self.types_into_the_void(text);
        let typed = Frame::Input(Bytes::copy_from_slice(text));
        self.viewer.send_until_refused(typed).await;
    }

    pub(crate) async fn interrupts(&mut self) {
        self.kept.clear();
        self.join.interrupts += 1;
        let typed = Frame::Typed { position: self.join.typed_to, interrupts: self.join.interrupts };
        self.viewer.send_until_refused(typed).await;
    }

    pub(crate) async fn hears(&mut self) {
        let before = self.viewer.seen.len();
        let Some(frame) = self.viewer.next().await else { panic!("the screen left") };
        if let Frame::Position { position, screen_bytes } = frame {
            assert_eq!(self.screen_bytes, 0, "the one before is complete");
            self.screen_bytes = usize::try_from(screen_bytes).unwrap();
            if screen_bytes > 0 {
                (self.screen, self.output) = (vec![], vec![]);
            } else if let Some(drawn) = self.join.drawn {
                assert_eq!(position, drawn, "it goes on where it was");
            }
            self.join.drawn = Some(position);
            return;
        }
        let mut shown = &self.viewer.seen[before..];
        if self.screen_bytes > 0 {
            let (screen, rest) = shown.split_at(self.screen_bytes.min(shown.len()));
            self.screen.extend_from_slice(screen);
            self.screen_bytes -= screen.len();
            shown = rest;
        }
        self.output.extend_from_slice(shown);
        if !shown.is_empty() {
            *self.join.drawn.as_mut().expect("a position came first") += shown.len() as u64;
        }
        while self.viewer.credited > self.credited {
            self.credited += 1;
            self.kept.pop_front();
        }
    }

    pub(crate) async fn sees(&mut self, text: &str) {
        while !contains(&self.output, text) && !contains(&self.screen, text) {
            self.hears().await;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    Gone,
    /// It is still there, as that of a gateway which nobody reaches any more.
    Lingers,
}

fn json(join: &Join) -> String {
    serde_json::to_string(join).unwrap()
}

pub(crate) fn contains(shown: &[u8], text: &str) -> bool {
    shown.windows(text.len()).any(|window| window == text.as_bytes())
}
