//! Text that users and programs wrote, made safe to print: without what a terminal would obey, and
//! without what turns the direction of writing. Pure.

/// On one line.
pub(crate) fn line(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { shown(c) }).collect()
}

/// On as many lines as it has.
pub(crate) fn lines(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { shown(c) }).collect()
}

fn shown(c: char) -> char {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || turns { char::REPLACEMENT_CHARACTER } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_not_printed() {
        let hostile = "red\u{1b}[31m\u{9b}2J\r\nleft\u{202e}thgir";
        assert_eq!(line(hostile), "red\u{fffd}[31m\u{fffd}2J  left\u{fffd}thgir");
        assert_eq!(lines(hostile), "red\u{fffd}[31m\u{fffd}2J\u{fffd}\nleft\u{fffd}thgir");
        assert_eq!(line("Prüft PRs – 日本"), "Prüft PRs – 日本");
    }
}
