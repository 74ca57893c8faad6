//! Stand-ins of the page at terminals that show numbered lines and record what is typed: they resume as the page does, and
//! know of each byte whether it was lost, doubled or reordered. Only their pauses are shorter than the page's.

mod keys;
mod lines;
mod page;
mod work;

pub use keys::Keys;
pub use page::Door;
pub use work::{Report, Work};

/// For a POSIX shell whose standard streams are a terminal: prints a banner, then `line 0`, `line 1` and so on, some
/// 40 KB/s, and appends what it reads to the file `$TYPED`. Needs no process for a pause.
pub const NUMBERED_LINES: &str = "stty raw -echo; printf 'stand-in ready\\r\\n'; \
     (n=0; while :; do k=0; while [ $k -lt 40 ]; do printf 'line %d\\n' $n; n=$((n+1)); k=$((k+1)); done; \
     sleep 0.01; done) & exec cat >> $TYPED";
