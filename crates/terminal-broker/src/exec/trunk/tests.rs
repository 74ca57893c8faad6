//! Trunks on a paused clock, with a fake screen.

use bytes::Bytes;
use screen_wire::{Compressed, Frame, LastTyped, Viewer};
use terminal_proto::v1::{self, OutputPosition, Presence, Size};
use tokio::{io::DuplexStream, task::JoinHandle, time::Instant};

use super::{hub::Hub, *};
use crate::{
    exec::{
        Event, Outgoing,
        fake::{self, FakePod},
    },
    fixture::sessions,
};

mod hostile;
mod output;
mod schedules;

const JOINED: Joined = Joined { terminal: 7, typed: 0 };

/// An open trunk, and the screen that it comes to.
struct Around {
    trunk: Arc<Trunk>,
    screen: Screen,
    shutdown: CancellationToken,
    serving: JoinHandle<Over>,
}

struct Screen {
    pod: FakePod,
    /// Who speaks.
    speaker: u32,
}

impl Around {
    async fn start() -> Self {
        let (frames, pod): (_, FakePod) = fake::frames().await;
        let (trunk, shutdown) = (Trunk::new(), CancellationToken::new());
        let (_, metrics) = sessions();
        let (served, stops) = (Arc::clone(&trunk), shutdown.clone());
        let serving = TaskTracker::new().spawn(async move {
            Hub::<DuplexStream>::new(frames, &served, &metrics).serve(&stops).await
        });
        let mut screen = Screen { pod, speaker: 0 };
        assert_eq!(screen.hears().await, (0, Frame::Compress));
        Self { trunk, screen, shutdown, serving }
    }

    /// One who comes, and is let in.
    async fn enter(&mut self) -> Seat {
        let mut seat = self.trunk.enter(entering()).unwrap();
        assert_eq!(self.screen.hears().await, (seat.number, Frame::Enter(entering())));
        self.screen.says(seat.number, Frame::Joined(JOINED)).await;
        assert!(matches!(seat.first().await, First::Joined(JOINED)));
        seat
    }

    /// One who comes, and follows.
    async fn follow(&mut self) -> Seat {
        let seat = self.enter().await;
        self.screen.says(seat.number, Frame::Follows).await;
        seat
    }

    async fn ends(self) -> Over {
        self.serving.await.unwrap()
    }
}

impl Screen {
    /// What is said next, and by whom; pings are answered.
    async fn hears(&mut self) -> (u32, Frame) {
        self.heard().await.expect("stdin has not ended")
    }

    async fn hears_the_end(&mut self) {
        assert_eq!(self.heard().await, None);
    }

    async fn heard(&mut self) -> Option<(u32, Frame)> {
        loop {
            match self.pod.frame().await? {
                Frame::FromViewer { viewer } => self.speaker = viewer,
                Frame::Ping => self.says(0, Frame::Alive).await,
                frame => return Some((self.speaker, frame)),
            }
        }
    }

    /// Nothing is said for so long.
    async fn rests(&mut self, duration: Duration) {
        let heard = timeout(duration, self.heard()).await;
        assert!(heard.is_err(), "{heard:?}");
    }

    async fn says(&mut self, viewer: u32, frame: Frame) {
        self.pod.say(Frame::ToViewer { viewer }).await;
        self.pod.say(frame).await;
    }

    async fn shows(&mut self, viewer: u32, output: impl Into<Bytes>) {
        self.says(viewer, Frame::Output(output.into())).await;
    }
}

fn entering() -> Enter {
    let window_bytes = u32::try_from(OUTPUT_WINDOW_BYTES).unwrap();
    Enter { columns: 80, rows: 24, window_bytes, join: Join::new(Viewer::from_bytes([1; 16])) }
}

async fn output(seat: &mut Seat, bytes: usize) -> usize {
    let mut seen = 0;
    while seen < bytes {
        match seat.next().await.unwrap() {
            Event::Output(output) => seen += output.len(),
            other => panic!("{other:?}"),
        }
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn each_says_its_own_and_control_waits_behind_nobodys_input() {
    let mut around = Around::start().await;
    let (one, two) = (around.enter().await, around.enter().await);
    one.say(|outgoing| outgoing.input("ls".into()));
    two.say(|outgoing| {
        outgoing.input("pwd".into());
        outgoing.interrupt()
    });
    let screen = &mut around.screen;
    assert_eq!(screen.hears().await, (2, Frame::Interrupt));
    assert_eq!(screen.hears().await, (1, Frame::Input("ls".into())));
    two.say(|outgoing| outgoing.input("id".into()));
    assert_eq!(screen.hears().await, (2, Frame::Input("id".into())));
}

#[tokio::test(start_paused = true)]
async fn who_types_much_lets_others_type() {
    let mut around = Around::start().await;
    let (one, two) = (around.enter().await, around.enter().await);
    let paste = Bytes::from(vec![b'x'; 20_000]);
    one.say(|outgoing| (0..3).for_each(|_| outgoing.input(paste.clone())));
    two.say(|outgoing| outgoing.input("y".into()));
    let mut speakers = vec![];
    for _ in 0..4 {
        speakers.push(around.screen.hears().await.0);
    }
    assert!(speakers[..2].contains(&2), "{speakers:?}");
}

#[tokio::test(start_paused = true)]
async fn a_place_is_kept_until_the_screen_says_that_it_is_free() {
    let mut around = Around::start().await;
    let (mut one, mut two) = (around.follow().await, around.follow().await);
    one.end(Outgoing::leave);
    assert_eq!(around.screen.hears().await, (1, Frame::Leave));
    around.screen.shows(0, "not for one").await;
    assert_eq!(output(&mut two, 11).await, 11);
    around.screen.says(1, Frame::Left).await;
    assert_eq!(one.next().await, Err(Over::Ended(Lost::Ended)));

    drop(two);
    assert_eq!(around.screen.hears().await, (2, Frame::Leave));
    assert!(!around.trunk.state().is_empty(), "the screen may still show it");
    drop(one);
    around.screen.says(2, Frame::Left).await;
    // By the end, which comes only where nobody is left.
    around.screen.hears_the_end().await;
    assert!(around.trunk.state().is_empty());
}

#[tokio::test(start_paused = true)]
async fn whose_opening_is_given_up_may_come_again_and_who_does_not_go_is_hung_up() {
    let mut around = Around::start().await;
    let given_up = around.trunk.enter(entering()).unwrap();
    assert_eq!(around.screen.hears().await, (1, Frame::Enter(entering())));
    drop(given_up);
    assert_eq!(
        around.screen.hears().await,
        (1, Frame::Leave),
        "it must be known when it comes again"
    );

    // Nobody has looked yet for what there is to say.
    drop(around.trunk.enter(entering()).unwrap());
    let stays = around.follow().await;
    stays.end(Outgoing::leave);
    assert_eq!(around.screen.hears().await, (3, Frame::Leave), "the second never came");
    drop(stays);
    assert_eq!(around.screen.hears().await, (3, Frame::HangUp));
}

#[tokio::test(start_paused = true)]
async fn an_exec_stays_a_minute_for_the_next_who_comes() {
    let mut around = Around::start().await;
    let one = around.follow().await;
    drop(one);
    assert_eq!(around.screen.hears().await, (1, Frame::Leave));
    around.screen.says(1, Frame::Left).await;
    around.screen.rests(Duration::from_secs(59)).await;
    let two = around.follow().await;
    let left_at = Instant::now();
    drop(two);
    assert_eq!(around.screen.hears().await, (2, Frame::Leave));
    around.screen.says(2, Frame::Left).await;
    around.screen.hears_the_end().await;
    assert_eq!(left_at.elapsed().as_secs(), 60);
    assert!(around.trunk.enter(entering()).is_none(), "it ends");
    around.screen.pod.success().await;
    assert_eq!(around.ends().await, Over::Ended(Lost::Ended));
}

#[tokio::test(start_paused = true)]
async fn a_screen_that_does_not_end_is_left() {
    let mut around = Around::start().await;
    around.screen.says(0, Frame::Alive).await;
    around.screen.hears_the_end().await;
    let Around { screen: _screen, serving, .. } = around;
    assert_eq!(serving.await.unwrap(), Over::Broken);
}

#[tokio::test(start_paused = true)]
async fn a_silent_screen_is_noticed_and_all_are_told() {
    let mut around = Around::start().await;
    let (mut one, mut two) = (around.follow().await, around.enter().await);
    let silent_from = Instant::now();
    assert_eq!(one.next().await, Err(Over::Silent));
    let seconds = silent_from.elapsed().as_secs();
    assert!((25..=30).contains(&seconds), "{seconds} s");
    assert_eq!(two.next().await, Err(Over::Silent));
    assert!(around.trunk.enter(entering()).is_none());
    assert_eq!(around.ends().await, Over::Silent);
}

#[tokio::test(start_paused = true)]
async fn a_broken_exec_tells_all_once_they_have_what_came_before() {
    let mut around = Around::start().await;
    let (mut one, mut two) = (around.follow().await, around.follow().await);
    around.screen.shows(0, "last").await;
    drop(around.screen);
    assert_eq!(around.serving.await.unwrap(), Over::Broken);
    assert_eq!(output(&mut one, 4).await, 4);
    assert_eq!(one.next().await, Err(Over::Broken));
    assert!(one.has_said_all());
    two.say(|outgoing| outgoing.input("x".into()));
    assert!(!two.has_said_all(), "what it typed does not leave any more");
    assert_eq!(output(&mut two, 4).await, 4);
}

#[tokio::test(start_paused = true)]
async fn sessions_have_a_moment_at_the_end_of_the_process() {
    let mut around = Around::start().await;
    let mut one = around.follow().await;
    around.shutdown.cancel();
    one.end(Outgoing::leave);
    assert_eq!(around.screen.hears().await, (1, Frame::Leave));
    around.screen.says(1, Frame::Left).await;
    assert_eq!(one.next().await, Err(Over::Ended(Lost::Ended)));
    assert_eq!(around.ends().await, Over::Broken);
}
