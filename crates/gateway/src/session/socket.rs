//! A viewer's WebSocket: how it is made of an upgraded connection, and how it ends. It moves no
//! bytes of a terminal.

use std::{future::Future, io, time::Duration};

use bytes::Bytes;
use daemon::{Progress, http1, socket::reset_on_drop};
use futures::{SinkExt, StreamExt};
use hyper::upgrade::OnUpgrade;
use screen_wire::INPUT_WINDOW_BYTES;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        protocol::{Role, WebSocketConfig},
    },
};

use super::{ending::Ending, outlet::Outlet};
use crate::guest::{self, Guest};

/// The most that a message of a viewer may hold, in bytes.
pub(super) const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// What is read at once. The library clears it for each read, so small: what viewers type is.
const READ_BUFFER_BYTES: usize = 2 * 1024;
/// Up to this much control is gathered until the flush, so that small messages are one write.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;
/// Output is written apart, so this is plenty.
const WRITE_BUFFER_BYTES_MAX: usize = 16 * 1024;

/// What a viewer may still send once it is told that its session is over: several times what an
/// honest one has under way.
const DISCARDED_BYTES_MAX: usize = 8 * INPUT_WINDOW_BYTES;

/// How long a client may take for the upgrade.
const UPGRADE_DEADLINE: Duration = Duration::from_secs(9);
/// How long a viewer may take to read and answer a close frame: a drain ends within 2 s.
pub(super) const CLOSE_DEADLINE: Duration = Duration::from_secs(1);

pub(super) type Socket<S> = WebSocketStream<Outlet<S>>;

/// The bare stream of an upgraded connection, and what was read of it already.
pub(super) async fn upgraded(upgrade: OnUpgrade) -> Option<(Progress<Guest>, Bytes)> {
    let upgraded = timeout(UPGRADE_DEADLINE, upgrade).await.ok()?.ok()?;
    http1::into_stream(upgraded).ok()
}

pub(super) async fn websocket<S>(stream: S, read: Bytes) -> Socket<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX);
    let outlet = Outlet::new(stream);
    // A copy, as these few bytes would keep all of the buffer that the request's head was read into.
    WebSocketStream::from_partially_read(outlet, read.to_vec(), Role::Server, Some(config)).await
}

/// Says why, and waits until the viewer has read it; resets the connection of one that does not, or
/// that sends on and on.
pub(super) async fn end(mut socket: Socket<Progress<Guest>>, ending: &Ending) {
    let told = *ending != Ending::Stalled && within_deadline(close(&mut socket, ending)).await;
    if !told {
        // An error says that the connection is gone already.
        let _ = reset_on_drop(guest::socket(socket.get_ref().get_ref().get_ref()));
    }
}

async fn within_deadline(closing: impl Future<Output = Result<(), Error>>) -> bool {
    matches!(timeout(CLOSE_DEADLINE, closing).await, Ok(Ok(())))
}

/// The close frame, after which nothing is sent, and what the viewer still sends until it ends: a
/// socket that is closed with unread input is reset, and the frame lost. A viewer that sends more
/// than an honest one has under way is not waited for: reading it would cost those who are.
async fn close<S>(socket: &mut Socket<S>, ending: &Ending) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if let Ending::Denied(_) = ending {
        socket.get_mut().withhold_output();
    }
    if *ending != Ending::Left {
        socket.send(Message::Close(Some(ending.close_frame()))).await?;
    }
    if let Ending::Violation(_) = ending {
        // The library reads nothing after an error.
        let stream = socket.get_mut();
        stream.shutdown().await?;
        let (mut rest, mut discarded) = ([0; READ_BUFFER_BYTES], 0);
        loop {
            match stream.read(&mut rest).await? {
                0 => return Ok(()),
                bytes => count(&mut discarded, bytes)?,
            }
        }
    }
    let mut discarded = 0;
    while let Some(Ok(message)) = socket.next().await {
        count(&mut discarded, message.len())?;
    }
    Ok(())
}

fn count(discarded: &mut usize, bytes: usize) -> Result<(), Error> {
    *discarded += bytes;
    if *discarded > DISCARDED_BYTES_MAX {
        return Err(Error::Io(io::Error::other("the viewer sends on and on")));
    }
    Ok(())
}
