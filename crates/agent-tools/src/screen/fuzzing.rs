//! What fuzzing drives (`e2e/fuzz`): whatever a program writes to its terminal.

use super::{grid::Grid, size::Size};

/// A viewer's memory for a drawn screen, in this test.
const SCREEN_BYTES: usize = 4096;
/// More answers than a program reads are not kept, in bytes; the longest of them may come on top.
const ANSWERS_BYTES: usize = 2 * 4096;

/// The first five bytes are the terminal's size, a size that it has later, and the length of the pieces in which the rest is
/// written, once at each size.
pub fn grid(data: &[u8]) {
    let Some((&[columns, rows, later_columns, later_rows, piece], output)) =
        data.split_first_chunk()
    else {
        return;
    };
    let sizes = (size(columns, rows), size(later_columns, later_rows));
    let (Some(size), Some(later)) = sizes else { return };
    let (mut whole, mut cut) = (Grid::new(size), Grid::new(size));
    for size in [size, later] {
        whole.resize(size);
        cut.resize(size);
        whole.feed(output);
        output.chunks(usize::from(piece).max(1)).for_each(|piece| cut.feed(piece));
        let drawn = whole.dump(usize::MAX);
        assert!(drawn == cut.dump(usize::MAX), "where the output is cut has no meaning");
        assert!(whole.take_answers().len() <= ANSWERS_BYTES, "a program that does not read");
        assert!(whole.dump(SCREEN_BYTES).len() <= SCREEN_BYTES, "more than a viewer has room for");

        let mut another = Grid::new(size);
        another.feed(&drawn);
        assert!(
            another.dump(usize::MAX) == drawn,
            "a terminal that is drawn the screen shows another"
        );
    }
}

/// A small one: what is drawn of each is compared, which is most of the work.
fn size(columns: u8, rows: u8) -> Option<Size> {
    Size::new(1 + u16::from(columns % 40), 1 + u16::from(rows % 16))
}

#[cfg(test)]
#[test]
fn the_corpus_holds() {
    for data in fixtures::corpus("grid") {
        grid(&data);
    }
}
