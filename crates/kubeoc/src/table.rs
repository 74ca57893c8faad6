//! Tables as kubectl prints them: columns padded to the widest cell, three spaces apart. Pure.

use time::{Duration, OffsetDateTime};

use crate::terminal;

/// What kubectl prints where a field is unset.
pub(crate) const NONE: &str = "<none>";

/// The longest cell, in characters; a longer one is cut.
const LONGEST_CELL: usize = 256;

const GAP: usize = 3;

/// One column of a table whose rows are made of `R`.
pub(crate) struct Column<R> {
    pub(crate) heading: &'static str,
    pub(crate) shown: Shown,
    pub(crate) cell: fn(&R) -> String,
}

/// Which tables have a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Always,
    /// Those of more than one namespace.
    AllNamespaces,
    Wide,
}

/// Which of the columns a table has, beside those that are always shown, and whether above them
/// stands what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) all_namespaces: bool,
    pub(crate) wide: bool,
    pub(crate) no_headers: bool,
}

impl View {
    fn has(self, shown: Shown) -> bool {
        match shown {
            Shown::Always => true,
            Shown::AllNamespaces => self.all_namespaces,
            Shown::Wide => self.wide,
        }
    }
}

/// The columns of a table, as wide as its first rows need.
pub(crate) struct Table<R: 'static> {
    columns: Vec<(&'static Column<R>, usize)>,
    no_headers: bool,
}

impl<R> Table<R> {
    pub(crate) fn new(columns: &'static [Column<R>], view: View, rows: &[R]) -> Self {
        let width = |column: &Column<R>| {
            let cells = rows.iter().map(|row| cell(&(column.cell)(row)).chars().count());
            let heading = if view.no_headers { 0 } else { column.heading.len() };
            cells.fold(heading, usize::max) + GAP
        };
        let columns = columns.iter().filter(|column| view.has(column.shown));
        let columns = columns.map(|column| (column, width(column))).collect();
        Self { columns, no_headers: view.no_headers }
    }

    /// Nothing where none is asked for.
    pub(crate) fn heading(&self) -> String {
        if self.no_headers {
            return String::new();
        }
        self.line(|column| column.heading.to_owned())
    }

    pub(crate) fn row(&self, row: &R) -> String {
        self.line(|column| cell(&(column.cell)(row)))
    }

    fn line(&self, text: impl Fn(&Column<R>) -> String) -> String {
        let cells = self.columns.iter().map(|&(column, width)| format!("{:<width$}", text(column)));
        format!("{}\n", cells.collect::<String>().trim_end())
    }
}

/// Heading and rows.
pub(crate) fn table<R>(columns: &'static [Column<R>], view: View, rows: &[R]) -> String {
    let table = Table::new(columns, view, rows);
    rows.iter().fold(table.heading(), |text, row| text + &table.row(row))
}

/// One line of a text, which says so where it is not all.
fn cell(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let end = first.char_indices().nth(LONGEST_CELL).map_or(first.len(), |(end, _)| end);
    let more = if end < text.trim_end().len() { "..." } else { "" };
    match first {
        "" => NONE.to_owned(),
        first => terminal::line(&first[..end]) + more,
    }
}

/// How old something is, in at most two units and no more digits than matter: `45s`, `3m20s`,
/// `5h10m`, `3d4h`, `2y30d`.
pub(crate) fn age(since: Option<OffsetDateTime>, now: OffsetDateTime) -> String {
    let Some(since) = since else { return "<unknown>".to_owned() };
    // The clocks of two machines differ a little.
    let age = (now - since).max(Duration::ZERO);
    let (seconds, minutes) = (age.whole_seconds(), age.whole_minutes());
    let (hours, days) = (age.whole_hours(), age.whole_days());
    match () {
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => two(minutes, "m", seconds % 60, "s"),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => two(hours, "h", minutes % 60, "m"),
        () if hours < 48 => format!("{hours}h"),
        () if days < 8 => two(days, "d", hours % 24, "h"),
        () if days < 2 * 365 => format!("{days}d"),
        () if days < 8 * 365 => two(days / 365, "y", days % 365, "d"),
        () => format!("{}y", days / 365),
    }
}

fn two(large: i64, unit: &str, small: i64, part: &str) -> String {
    if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit}{small}{part}") }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        type Row = [&'static str; 4];
        const COLUMNS: &[Column<Row>] = &[
            Column {
                heading: "NAMESPACE",
                shown: Shown::AllNamespaces,
                cell: |row| row[0].to_owned(),
            },
            Column { heading: "NAME", shown: Shown::Always, cell: |row| row[1].to_owned() },
            Column { heading: "READY", shown: Shown::Always, cell: |row| row[2].to_owned() },
            Column { heading: "SIZE", shown: Shown::Wide, cell: |row| row[3].to_owned() },
        ];
        let rows = [["a", "demo", "true", "3"], ["b", "a-longer-name", "", "Größe"]];
        insta::assert_snapshot!(table(COLUMNS, View::default(), &rows), @r"
        NAME            READY
        demo            true
        a-longer-name   <none>
        ");
        let all = View { all_namespaces: true, wide: true, ..View::default() };
        insta::assert_snapshot!(table(COLUMNS, all, &rows), @r"
        NAMESPACE   NAME            READY    SIZE
        a           demo            true     3
        b           a-longer-name   <none>   Größe
        ");
        let bare = View { no_headers: true, ..View::default() };
        insta::assert_snapshot!(table(COLUMNS, bare, &rows), @r"
        demo            true
        a-longer-name   <none>
        ");
    }

    #[test]
    fn a_cell_is_one_line_and_says_so_where_there_is_more() {
        let long = "x".repeat(300);
        let cases = [
            ("first\nsecond", "first...".to_owned()),
            ("only\n", "only".to_owned()),
            ("\u{1b}[2J", "\u{fffd}[2J".to_owned()),
            (long.as_str(), "x".repeat(LONGEST_CELL) + "..."),
        ];
        for (text, expected) in cases {
            assert_eq!(cell(text), expected);
        }
    }

    #[test]
    fn an_age_has_the_digits_that_matter() {
        const DAY: i64 = 86_400;
        let cases = [
            (-5, "0s"),
            (119, "119s"),
            (120, "2m"),
            (200, "3m20s"),
            (179 * 60, "179m"),
            (180 * 60, "3h"),
            (5 * 3600 + 600, "5h10m"),
            (47 * 3600, "47h"),
            (48 * 3600, "2d"),
            (3 * DAY + 4 * 3600, "3d4h"),
            (700 * DAY, "700d"),
            (760 * DAY, "2y30d"),
            (3000 * DAY, "8y"),
        ];
        let now = datetime!(2026-11-21 12:00 UTC);
        for (seconds, expected) in cases {
            assert_eq!(age(Some(now - Duration::seconds(seconds)), now), expected);
        }
        assert_eq!(age(None, now), "<unknown>");
    }
}
