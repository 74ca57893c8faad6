//! What a terminal shows: how much of it may be under way, and what becomes of a viewer that does
//! not take it.

use bytes::Bytes;
use tokio::{io::AsyncReadExt, time::Instant};
use tokio_tungstenite::tungstenite::Message;

use crate::{client::open, test_gateway::TestGateway};

const MESSAGE: usize = 64 * 1024;

#[tokio::test]
async fn a_viewer_that_takes_no_bytes_is_cut_after_10_seconds() {
    let mut gateway = TestGateway::start(&[]).await;
    let (viewer, attached) = open(&mut gateway).await;
    attached.output_until_stalled(&Bytes::from(vec![b'x'; MESSAGE])).await;

    // From here the clock jumps whenever nobody has anything to do.
    tokio::time::pause();
    let start = Instant::now();
    let gone = || gateway.metrics().contains("kubeopencode_connections{listener=\"share\"} 0");
    while !gone() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(start.elapsed().as_secs() <= 10, "{:?}", start.elapsed());
    let mut stream = viewer.socket.into_inner();
    let ended = stream.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(ended.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn all_output_arrives_in_its_order_through_a_viewer_that_reads_slowly() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, attached) = open(&mut gateway).await;
    let pieces = 200_u8;
    let sent = async {
        for piece in 0..pieces {
            attached.output(vec![piece; 10_000]).await;
        }
    };
    let shown = async {
        let mut shown = Vec::new();
        while shown.len() < usize::from(pieces) * 10_000 {
            let Message::Binary(output) = viewer.next().await else { continue };
            assert!(output.len() <= MESSAGE);
            shown.extend_from_slice(&output);
            tokio::task::yield_now().await;
        }
        shown
    };
    let ((), shown) = tokio::join!(sent, shown);
    assert!(shown.chunks(10_000).zip(0..pieces).all(|(chunk, piece)| chunk == [piece; 10_000]));
}
