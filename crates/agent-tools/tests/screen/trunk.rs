//! A trunk as a broker is one: many viewers by one stream, each of which knows what it was shown.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use screen_wire::{Enter, Frame, Join, Joined, Presence, Viewer as Key};

use crate::{page::contains, terminal::Terminal, viewer::Viewer};

pub(crate) const WINDOW_BYTES: usize = 256 * 1024;

/// Far beyond what a test takes. Signs of life come for ever, also where nothing else does.
const LASTS_MAX: Duration = Duration::from_mins(2);

pub(crate) struct Trunk {
    pub(crate) stream: Viewer,
    began_at: Instant,
    speaker: u32,
    heard: u32,
    guests: BTreeMap<u32, Guest>,
    /// How often the common output did not go on.
    pub(crate) jumps: usize,
    /// Bytes of common output so far.
    pub(crate) common: usize,
    /// Of these, what was not credited: nobody has taken it.
    pub(crate) uncredited: usize,
}

/// One of its viewers.
#[derive(Default)]
pub(crate) struct Guest {
    pub(crate) joined: Option<Joined>,
    /// What it was shown of the program's output: from where on, and what.
    pub(crate) shown: Vec<(u64, Vec<u8>)>,
    /// What is still to come of what draws the screen.
    screen_bytes: usize,
    /// What draws it.
    screen: Vec<u8>,
    pub(crate) screens: usize,
    pub(crate) follows: bool,
    pub(crate) left: bool,
    pub(crate) exit: Option<i32>,
    pub(crate) presence: Option<Presence>,
    pub(crate) credited: usize,
    /// What it was sent and has not taken.
    pub(crate) owed: usize,
    takes: Takes,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Takes {
    #[default]
    All,
    Nothing,
}

impl Trunk {
    pub(crate) fn to(terminal: &Terminal) -> Self {
        // Flags come in pairs there.
        let window = WINDOW_BYTES.to_string();
        let terminal = terminal.clone().with(&["--window-bytes", &window]);
        let stream = Viewer::start_with(&terminal, &["--trunk"]).without_credit();
        Self {
            stream,
            began_at: Instant::now(),
            speaker: 0,
            heard: 0,
            guests: BTreeMap::new(),
            jumps: 0,
            common: 0,
            uncredited: 0,
        }
    }

    pub(crate) fn guest(&self, number: u32) -> &Guest {
        &self.guests[&number]
    }

    pub(crate) async fn says(&mut self, number: u32, frame: Frame) {
        if self.speaker != number {
            self.stream.send(Frame::FromViewer { viewer: number }).await;
            self.speaker = number;
        }
        self.stream.send(frame).await;
    }

    pub(crate) async fn types(&mut self, number: u32, text: &[u8]) {
        self.says(number, Frame::Input(Bytes::copy_from_slice(text))).await;
    }

    /// A new viewer comes.
    pub(crate) async fn enters(&mut self, number: u32) {
        let key = u8::try_from(number).unwrap();
        self.joins(number, Join::new(Key::from_bytes([key; 16]))).await;
    }

    pub(crate) async fn joins(&mut self, number: u32, join: Join) {
        let window_bytes = WINDOW_BYTES.try_into().unwrap();
        self.enters_with(number, Enter { columns: 80, rows: 24, window_bytes, join }).await;
    }

    pub(crate) async fn enters_with(&mut self, number: u32, enter: Enter) {
        self.guests.insert(number, Guest::default());
        self.says(number, Frame::Enter(enter)).await;
    }

    /// Takes nothing more of its output.
    pub(crate) fn stalls(&mut self, number: u32) {
        self.guests.get_mut(&number).unwrap().takes = Takes::Nothing;
    }

    /// Takes nothing while the program goes on, until the common window is full.
    pub(crate) async fn stalls_at_a_full_window(&mut self, number: u32) {
        self.stalls(number);
        self.types(number, b"\n").await;
        while self.uncredited < WINDOW_BYTES {
            self.hears().await;
        }
    }

    /// Its owner finds that it is too far behind.
    pub(crate) async fn is_redrawn(&mut self, number: u32) {
        let guest = self.guests.get_mut(&number).unwrap();
        assert!(guest.follows || self.jumps > 0);
        guest.follows = false;
        let unacknowledged = guest.owed.try_into().unwrap();
        self.says(number, Frame::Redraw { unacknowledged }).await;
    }

    /// Takes again, also what it was sent.
    pub(crate) async fn takes(&mut self, number: u32) {
        let guest = self.guests.get_mut(&number).unwrap();
        guest.takes = Takes::All;
        let bytes = std::mem::take(&mut guest.owed).try_into().unwrap();
        self.says(number, Frame::OutputCredit { bytes }).await;
    }

    /// What is said next.
    pub(crate) async fn hears(&mut self) {
        assert!(self.began_at.elapsed() < LASTS_MAX, "what is waited for comes");
        let before = self.stream.seen.len();
        let Some(frame) = self.stream.next().await else { panic!("the trunk ended") };
        if let Frame::ToViewer { viewer } = frame {
            self.heard = viewer;
            return;
        }
        let output = self.stream.seen[before..].to_vec();
        if self.heard == 0 {
            return self.hears_common(&frame, &output).await;
        }
        let number = self.heard;
        let Some(guest) = self.guests.get_mut(&number) else { panic!("nobody is {number}") };
        guest.hears(&frame, &output);
        if frame == Frame::Follows {
            self.credits_common().await;
        }
        let guest = self.guests.get_mut(&number).unwrap();
        if !output.is_empty() && guest.takes == Takes::All {
            let bytes = std::mem::take(&mut guest.owed).try_into().unwrap();
            self.says(number, Frame::OutputCredit { bytes }).await;
        }
    }

    async fn hears_common(&mut self, frame: &Frame, output: &[u8]) {
        if let Frame::Position { .. } = frame {
            self.jumps += usize::from(self.guests.values().any(|guest| guest.follows));
            self.guests.values_mut().for_each(|guest| guest.follows = false);
            self.uncredited = 0;
        }
        let mut taken = false;
        for guest in self.guests.values_mut().filter(|guest| guest.follows) {
            guest.is_shown(output);
            if guest.takes == Takes::All {
                guest.owed = 0;
                taken = true;
            }
        }
        self.common += output.len();
        self.uncredited += output.len();
        if taken {
            self.credits_common().await;
        }
    }

    /// One who follows has nothing more of it to take.
    async fn credits_common(&mut self) {
        let bytes = std::mem::take(&mut self.uncredited).try_into().unwrap();
        if bytes > 0 {
            self.says(0, Frame::OutputCredit { bytes }).await;
        }
    }

    /// Until this is so of that viewer.
    pub(crate) async fn until(&mut self, number: u32, so: impl Fn(&Guest) -> bool) {
        while !so(self.guest(number)) {
            self.hears().await;
        }
    }

    pub(crate) async fn sees(&mut self, number: u32, text: &str) {
        self.until(number, |guest| guest.has_seen(text)).await;
    }
}

impl Guest {
    pub(crate) fn has_seen(&self, text: &str) -> bool {
        let of = |(_, shown): &(u64, Vec<u8>)| contains(shown, text);
        self.shown.iter().any(of) || contains(&self.screen, text)
    }

    fn hears(&mut self, frame: &Frame, output: &[u8]) {
        match frame {
            Frame::Joined(joined) => self.joined = Some(*joined),
            Frame::Position { position, screen_bytes } => {
                assert!(!self.follows && self.screen_bytes == 0);
                self.screen_bytes = usize::try_from(*screen_bytes).unwrap();
                if *screen_bytes > 0 {
                    self.screens += 1;
                    self.screen.clear();
                }
                self.shown.push((*position, vec![]));
            }
            Frame::Follows => {
                assert!(!self.follows && self.screen_bytes == 0);
                self.follows = true;
            }
            Frame::InputCredit { bytes } => self.credited += usize::try_from(*bytes).unwrap(),
            Frame::Presence(presence) => self.presence = Some(*presence),
            Frame::Exit { code } => self.exit = Some(*code),
            Frame::Left => (self.left, self.follows) = (true, false),
            Frame::Output(_) | Frame::Compressed(_) => {
                assert!(!self.follows, "it is shown the common output");
                self.is_shown(output);
            }
            other => panic!("a screen said {other:?} to a viewer"),
        }
    }

    fn is_shown(&mut self, mut output: &[u8]) {
        self.owed += output.len();
        assert!(self.owed <= WINDOW_BYTES + 128 * 1024, "{} bytes owed", self.owed);
        let screen = self.screen_bytes.min(output.len());
        self.screen_bytes -= screen;
        self.screen.extend_from_slice(&output[..screen]);
        output = &output[screen..];
        if !output.is_empty() {
            let (_, shown) = self.shown.last_mut().expect("a position came first");
            shown.extend_from_slice(output);
        }
    }

    /// What it was shown is what the program wrote there.
    pub(crate) fn saw(&self, written: &[u8]) {
        for (position, shown) in &self.shown {
            let start = usize::try_from(*position).unwrap();
            let was = &written[start..];
            let same = was.iter().zip(shown).take_while(|(was, is)| was == is).count();
            let near = String::from_utf8_lossy(
                &shown[same.saturating_sub(20)..][..40.min(shown.len() - same.saturating_sub(20))],
            );
            assert!(
                same == shown.len(),
                "after {same} of {} bytes from position {position} on: {near:?}",
                shown.len()
            );
        }
    }
}
