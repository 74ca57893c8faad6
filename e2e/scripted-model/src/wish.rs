//! What a prompt asks for, by a few plain rules (README.md lists them); pure. Must not guess: what no
//! rule fits is talk.

/// What the script understands of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    CreateFile {
        name: String,
        content: String,
    },
    ListFiles,
    /// Work that takes so many seconds.
    Wait(u8),
    /// The first line of the agent's instructions that has this in it.
    Quote(String),
    Talk,
}

const CREATE: [&str; 5] = ["create", "make", "write", "add", "save"];
const QUOTE: [&str; 1] = ["quote"];
const WAIT: [&str; 2] = ["wait", "sleep"];
const LIST: [&str; 5] = ["list", "ls", "run", "show", "files"];
/// What is before the content of a file.
const SAYING: [&str; 6] =
    [" saying ", " containing ", " that says ", " with the text ", " with content ", " with "];
/// What is before the name of a file.
const NAMED: [&str; 3] = ["file", "called", "named"];

const DEFAULT_CONTENT: &str = "Written by a script, on your behalf.";

/// Reads a prompt.
pub(crate) fn wish(prompt: &str) -> Wish {
    let prompt = unquoted(prompt.trim());
    // Only ASCII, so that both texts can be cut at the same place.
    let lower = prompt.to_ascii_lowercase();
    let says = |words: &[&str]| {
        lower.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word))
    };

    let (request, content) = split_content(prompt, &lower);
    if says(&QUOTE) && request.len() < prompt.len() {
        return Wish::Quote(content.trim().to_owned());
    }
    if says(&CREATE)
        && let Some(name) = file_name(request)
    {
        return Wish::CreateFile { name, content };
    }
    if says(&WAIT)
        && let Some(seconds) = seconds(&lower)
    {
        return Wish::Wait(seconds);
    }
    if says(&LIST) { Wish::ListFiles } else { Wish::Talk }
}

/// The first number of the prompt, where a tool call can take so long: `OpenCode` ends one after two minutes.
fn seconds(prompt: &str) -> Option<u8> {
    let number = prompt.split_whitespace().find_map(|word| word.parse().ok())?;
    (1..=100).contains(&number).then_some(number)
}

/// At the first of the words that announce a content.
fn split_content<'a>(prompt: &'a str, lower: &str) -> (&'a str, String) {
    let first = SAYING
        .iter()
        .filter_map(|marker| lower.find(marker).map(|at| (at, at + marker.len())))
        .min();
    let (request, content) = match first {
        Some((at, after)) => (&prompt[..at], unquoted(prompt[after..].trim())),
        None => (prompt, DEFAULT_CONTENT),
    };
    (request, format!("{content}\n"))
}

/// The first word with an inner dot, or else the one after "file", "called" or "named". Only a plain
/// name: the script stays in the workspace.
fn file_name(request: &str) -> Option<String> {
    let words: Vec<&str> = request
        .split_whitespace()
        .map(|word| unquoted(word.trim_end_matches([',', '.', ':', ';', '!', '?'])))
        .collect();
    let dotted = words.iter().copied().find(|word| word.trim_matches('.').contains('.'));
    let named = || {
        let after =
            words.iter().rposition(|word| NAMED.contains(&word.to_ascii_lowercase().as_str()))?;
        words.get(after + 1).copied()
    };
    dotted.or_else(named).filter(|name| is_plain(name)).map(str::to_owned)
}

fn is_plain(name: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    !name.is_empty()
        && name.len() <= 100
        && name.chars().all(allowed)
        && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\'', '`'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: &str) -> Wish {
        Wish::CreateFile { name: name.into(), content: format!("{content}\n") }
    }

    #[test]
    fn prompts_and_what_is_understood() {
        let cases = [
            ("create a file hello.txt", file("hello.txt", DEFAULT_CONTENT)),
            ("create a file hello.txt saying hi", file("hello.txt", "hi")),
            ("\"create a file hello.txt saying hi\"", file("hello.txt", "hi")),
            (
                "Please write `notes/today.md` with 'Buy MILK'.",
                file("notes/today.md", "Buy MILK'."),
            ),
            ("Make a file called TODO", file("TODO", DEFAULT_CONTENT)),
            ("add a file named a.b that says with care", file("a.b", "with care")),
            ("write été.txt saying Ça va", file("été.txt", "Ça va")),
            ("create a file", Wish::Talk),
            ("create ../escape.txt", Wish::Talk),
            ("create /etc/passwd.txt", Wish::Talk),
            ("write a poem", Wish::Talk),
            ("quote the line with `npm test`", Wish::Quote("npm test".into())),
            ("quote something", Wish::Talk),
            ("list the files", Wish::ListFiles),
            ("wait 40 seconds", Wish::Wait(40)),
            ("wait 4000 seconds", Wish::Talk),
            ("wait", Wish::Talk),
            ("run ls", Wish::ListFiles),
            ("hello", Wish::Talk),
            ("", Wish::Talk),
        ];
        for (prompt, expected) in cases {
            assert_eq!(wish(prompt), expected, "{prompt}");
        }
    }
}
