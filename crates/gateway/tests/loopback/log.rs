//! What a test's gateway logs. One subscriber for the process, since tracing asks a single one of
//! several only, and a buffer for each thread, since each test and its gateway have their own.

use std::{cell::RefCell, io, sync::Once};

use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes into the thread's buffer.
struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts an empty log of this thread, at every level of our own code, and of the libraries at
/// those that daemon lets through.
pub(crate) fn start() {
    static INIT: Once = Once::new();
    INIT.call_once(|| {
        let lines = fmt::layer().with_writer(|| Lines).with_ansi(false);
        let filter = Targets::new()
            .with_targets([("gateway", tracing::Level::TRACE), ("share", tracing::Level::TRACE)])
            .with_default(tracing::Level::INFO);
        tracing_subscriber::registry().with(lines).with(filter).init();
    });
    LINES.with_borrow_mut(Vec::clear);
}

/// The log so far.
pub(crate) fn text() -> String {
    LINES.with_borrow(|lines| String::from_utf8(lines.clone()).unwrap())
}
