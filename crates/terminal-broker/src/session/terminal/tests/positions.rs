//! Whatever is typed, interrupted, dropped on the way and forbidden in any order: both ends of a session agree
//! where the viewer is, and each byte that arrives is that of its position.

use std::collections::BTreeSet;

use api_types::Access;
use futures::FutureExt;
use proptest::prelude::*;

use super::{
    resuming::{INTERRUPTS, TYPED, qa, settled, so_far, start},
    *,
};

#[derive(Clone, Debug)]
enum Step {
    Type(usize),
    /// So much that the caller drops itself.
    Miss(u64),
    /// The same together with an interrupt.
    Interrupt(u64),
    Allow(Access),
    /// All of before is done first.
    Settle,
}

fn access() -> impl Strategy<Value = Access> {
    prop_oneof![Just(Access::View), Just(Access::Interact)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..200_usize).prop_map(Step::Type),
        1 => (1..50_u64).prop_map(Step::Miss),
        2 => (0..50_u64).prop_map(Step::Interrupt),
        1 => access().prop_map(Step::Allow),
        2 => Just(Step::Settle),
    ]
}

/// What is typed at a position.
fn key(position: u64) -> u8 {
    u8::try_from(position % 251).unwrap()
}

/// The viewer's caller, and what is to become of what it says.
struct Caller {
    access: Access,
    position: u64,
    interrupts: u32,
    typed_bytes: usize,
    /// What was typed since the last interrupt, and is to arrive.
    due: Vec<u64>,
    /// What was typed before, and may.
    possible: Vec<u64>,
    /// Of those that were allowed, how many there were, and the number of the last one.
    allowed_interrupts: u32,
    last_interrupt: u32,
}

impl Caller {
    fn new(access: Access) -> Self {
        let last_interrupt = match access {
            Access::Interact => INTERRUPTS,
            // As such a viewer it has joined.
            Access::View => 0,
        };
        Self {
            access,
            position: TYPED,
            interrupts: INTERRUPTS,
            typed_bytes: 0,
            due: vec![],
            possible: vec![],
            allowed_interrupts: 0,
            last_interrupt,
        }
    }

    async fn does(&mut self, step: Step, around: &Around) {
        match step {
            Step::Type(bytes) => {
                let positions = self.position..self.position + bytes as u64;
                around.viewer.types(positions.clone().map(key).collect::<Bytes>());
                self.position = positions.end;
                self.typed_bytes += bytes;
                if self.access == Access::Interact {
                    self.due.extend(positions);
                }
            }
            Step::Miss(bytes) => {
                self.position += bytes;
                around.viewer.send(so_far(self.position, self.interrupts));
            }
            Step::Interrupt(bytes) => {
                self.position += bytes;
                self.interrupts += 1;
                around.viewer.send(so_far(self.position, self.interrupts));
                if self.access == Access::Interact {
                    self.possible.append(&mut self.due);
                    self.allowed_interrupts += 1;
                    self.last_interrupt = self.interrupts;
                }
            }
            Step::Allow(access) => {
                settled().await;
                around.links.apply(&qa(access));
                self.access = access;
            }
            Step::Settle => settled().await,
        }
    }
}

/// The screen by its contract.
struct Screen {
    position: u64,
    interrupts: u32,
    interrupted: u32,
    taken: Vec<u64>,
}

impl Screen {
    fn hears(&mut self, frame: Frame) {
        match frame {
            Frame::Input(bytes) => {
                for byte in bytes {
                    assert_eq!(byte, key(self.position), "at {}", self.position);
                    self.taken.push(self.position);
                    self.position += 1;
                }
            }
            Frame::Typed { position, interrupts } => {
                assert!(position >= self.position && interrupts >= self.interrupts);
                self.position = position;
                self.interrupted += u32::from(interrupts > self.interrupts);
                self.interrupts = interrupts;
            }
            Frame::Ping => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn agree(access: Access, steps: Vec<Step>) {
    let mut around = start(access).await;
    let mut caller = Caller::new(access);
    let interrupts = caller.last_interrupt;
    for step in steps {
        caller.does(step, &around).await;
    }
    // What is missing is told before the next input.
    caller.does(Step::Allow(Access::Interact), &around).await;
    caller.does(Step::Type(1), &around).await;
    settled().await;

    let mut screen = Screen { position: TYPED, interrupts, interrupted: 0, taken: vec![] };
    while let Ok(Some(frame)) = timeout(Duration::from_millis(1), around.pod.frame()).await {
        screen.hears(frame);
    }
    assert_eq!((screen.position, screen.interrupts), (caller.position, caller.last_interrupt));
    let taken: BTreeSet<_> = screen.taken.iter().copied().collect();
    let may: BTreeSet<_> = caller.due.iter().chain(&caller.possible).copied().collect();
    assert!(caller.due.iter().all(|position| taken.contains(position)), "something is missing");
    assert!(taken.is_subset(&may), "something was typed in vain");
    assert!(screen.interrupted <= caller.allowed_interrupts);
    assert_eq!(screen.interrupted > 0, caller.allowed_interrupts > 0);

    let mut credited = 0;
    while let Some(response) = around.viewer.responses.next().now_or_never() {
        let response = response.unwrap().unwrap().response;
        let Some(Response::InputCredit(bytes)) = response else { panic!("{response:?}") };
        credited += bytes as usize;
    }
    assert_eq!(credited + screen.taken.len(), caller.typed_bytes, "each byte is credited once");
}

proptest! {
    #[test]
    fn both_ends_agree_where_the_viewer_is(
        access in access(),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(agree(access, steps));
    }
}
