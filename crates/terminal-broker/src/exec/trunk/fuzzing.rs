//! What fuzzing drives (`e2e/fuzz`): whatever a pod says to a trunk, while viewers come, read, type and leave.

use bytes::Bytes;
use screen_wire::{Compressed, Deframer, Enter, Frame, Join, OUTPUT_WINDOW_BYTES, Viewer};

use super::state::State;
use crate::exec::{Event, Over, channels::Protocol, frames::Outbox};

/// Who may be there at once, in this test.
const VIEWERS_MAX: usize = 4;
/// Held at most of the common output, in bytes: what may be under way, as much again past a jump, and what one may be behind.
const HELD_BYTES: u64 = 4 * OUTPUT_WINDOW_BYTES as u64;

/// Steps of two bytes, what happens and how much of it; what the pod says follows its step.
pub fn trunk(mut data: &[u8]) {
    let (mut state, mut deframer, mut viewers) = (State::new(), Deframer::new(), vec![]);
    while let Some((&[what, much], rest)) = data.split_first_chunk() {
        data = rest;
        let said: Result<(), Over> = match what % 8 {
            0 if viewers.len() < VIEWERS_MAX => {
                viewers.extend(state.enter(entering(much)));
                Ok(())
            }
            1 if !viewers.is_empty() => {
                let number = viewers.swap_remove(usize::from(much) % viewers.len());
                state.abandon(number);
                Ok(())
            }
            2 => {
                for number in &viewers {
                    read(&mut state, *number, much.into());
                }
                Ok(())
            }
            3 => {
                while !state.has_said_all() {
                    assert!(state.pop(Protocol::V5).is_ok_and(|said| said.is_some()));
                }
                Ok(())
            }
            4 => state.receive(Frame::Output(vec![much; 256 * (usize::from(much) + 1)].into())),
            5 => {
                let block = Bytes::from(vec![much; usize::from(much)]);
                let output = Compressed::new(256 * (u32::from(much) + 1), block);
                output.map_or(Ok(()), |output| state.receive(Frame::Compressed(output)))
            }
            _ => {
                let (said, rest) = data.split_at(data.len().min(much.into()));
                data = rest;
                deframer.push(Bytes::copy_from_slice(said));
                receive(&mut state, &mut deframer)
            }
        };
        assert!(state.held_bytes() <= HELD_BYTES, "a pod fills the memory");
        if said.is_err() {
            return;
        }
    }
}

fn entering(much: u8) -> Enter {
    let window_bytes = u32::try_from(OUTPUT_WINDOW_BYTES).unwrap_or(u32::MAX);
    Enter { columns: 80, rows: 24, window_bytes, join: Join::new(Viewer::from_bytes([much; 16])) }
}

/// A viewer takes all that there is, types as much as it may, and credits what it has drawn.
fn read(state: &mut State, number: u32, typed: usize) {
    let mut taken = 0;
    while let Some(Ok(event)) = state.next(number) {
        taken += match event {
            Event::Output(bytes) => bytes.len(),
            Event::Compressed(output) => output.output_bytes() as usize,
            _ => 0,
        };
    }
    if let Some(viewer) = state.viewer(number) {
        viewer.credit(u32::try_from(taken).unwrap_or(u32::MAX));
        if viewer.says.is_empty() && typed > 0 {
            viewer.says.input(Bytes::from(vec![b'x'; typed]));
        }
    }
    state.grant();
}

fn receive(state: &mut State, deframer: &mut Deframer) -> Result<(), Over> {
    while let Some(frame) = deframer.next().map_err(|_| Over::Protocol)? {
        state.receive(frame)?;
    }
    Ok(())
}

#[cfg(test)]
#[test]
fn the_corpus_holds() {
    for data in fixtures::corpus("trunk") {
        trunk(&data);
    }
}
