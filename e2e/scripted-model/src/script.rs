//! The script: a conversation so far to what comes next; pure, and without any memory of its own.

use serde_json::{Value, json};

use crate::{
    conversation::ChatRequest,
    wish::{Wish, wish},
};

/// What the script does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Say(String),
    /// Says why, and calls a tool of the agent's.
    Call {
        saying: String,
        tool: &'static str,
        arguments: Value,
    },
}

impl Step {
    /// The tool that is called, if one is.
    pub(crate) fn tool(&self) -> Option<&'static str> {
        match self {
            Self::Say(_) => None,
            Self::Call { tool, .. } => Some(tool),
        }
    }
}

/// `OpenCode`'s own tools.
const WRITE: &str = "write";
const BASH: &str = "bash";

const INTRODUCTION: &str = "I am a script, not a model: I understand four things. \
    Ask me to \"create a file hello.txt saying hi\", and I write that file into the workspace with the agent's own tools; \
    ask me to \"list the files\", and I show what is there; \
    ask me to \"wait 20 seconds\", and a tool takes so long; \
    ask me to \"quote the line with npm test\", and I look for it in the agent's instructions. \
    With a real model in its configuration, this agent would answer anything else too.";

/// The next step of the conversation that `request` carries.
pub(crate) fn next(request: &ChatRequest) -> Step {
    let prompt = request.last_prompt();
    if !request.offers_tools() {
        // How the agent asks for a title; it quotes the prompt.
        return Step::Say(title(&prompt));
    }
    let wish = wish(&prompt);
    match request.tool_results().last() {
        Some(result) => Step::Say(report(&wish, result)),
        None => begin(wish, request),
    }
}

fn begin(wish: Wish, request: &ChatRequest) -> Step {
    match wish {
        Wish::CreateFile { name, content } if request.offers(WRITE) => Step::Call {
            saying: format!("I am a script, not a model, but I can do that: writing {name}."),
            tool: WRITE,
            arguments: json!({ "filePath": name, "content": content }),
        },
        Wish::ListFiles if request.offers(BASH) => Step::Call {
            saying: "I am a script, not a model, but I can do that: listing the workspace.".into(),
            tool: BASH,
            arguments: json!({ "command": "ls -la" }),
        },
        Wish::Wait(seconds) if request.offers(BASH) => Step::Call {
            saying: "I am a script, not a model, but I can do that: waiting.".into(),
            tool: BASH,
            arguments: json!({ "command": format!("sleep {seconds}") }),
        },
        Wish::Quote(part) => Step::Say(quote(&part, &request.instructions())),
        Wish::CreateFile { .. } | Wish::ListFiles | Wish::Wait(_) | Wish::Talk => {
            Step::Say(INTRODUCTION.into())
        }
    }
}

fn quote(part: &str, instructions: &str) -> String {
    match instructions.lines().find(|line| line.contains(part)) {
        Some(line) => format!("I am a script, not a model, but I was told: {}", line.trim()),
        None => format!("I am a script, not a model, and I was told nothing with {part:?} in it."),
    }
}

fn report(wish: &Wish, result: &str) -> String {
    match wish {
        Wish::CreateFile { name, .. } if result.to_ascii_lowercase().contains("success") => {
            format!(
                "Done, says the script: {name} is in the workspace. Ask me to \"list the files\" to see it."
            )
        }
        Wish::CreateFile { name, .. } => {
            format!("The script could not write {name}. The tool answered: {result}")
        }
        Wish::ListFiles => "That, says the script, is what the workspace holds.".into(),
        Wish::Wait(seconds) => format!("Waited for {seconds} seconds, says the script."),
        Wish::Quote(_) | Wish::Talk => INTRODUCTION.into(),
    }
}

fn title(prompt: &str) -> String {
    match wish(prompt) {
        Wish::CreateFile { name, .. } => format!("Scripted: create {name}"),
        Wish::ListFiles => "Scripted: list the files".into(),
        Wish::Wait(_) | Wish::Quote(_) | Wish::Talk => "Scripted conversation".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A conversation whose messages come after the agent's system prompt.
    fn demo(messages: &[Value]) -> ChatRequest {
        let mut all = vec![json!({ "role": "system", "content": "You write files." })];
        all.extend_from_slice(messages);
        let tools = ["bash", "read", "write"]
            .map(|name| json!({ "type": "function", "function": { "name": name } }));
        serde_json::from_value(json!({ "model": "script", "messages": all, "tools": tools }))
            .unwrap()
    }

    fn user(text: &str) -> Value {
        json!({ "role": "user", "content": text })
    }

    fn tool(result: &str) -> Value {
        json!({ "role": "tool", "tool_call_id": "call", "content": result })
    }

    fn called(step: &Step) -> Option<(&'static str, &Value)> {
        match step {
            Step::Call { tool, arguments, .. } => Some((tool, arguments)),
            Step::Say(_) => None,
        }
    }

    #[test]
    fn a_file_is_written_by_the_agents_tool() {
        let step = next(&demo(&[user("create a file hello.txt saying hi")]));
        let arguments = json!({ "filePath": "hello.txt", "content": "hi\n" });
        assert_eq!(called(&step), Some(("write", &arguments)));
    }

    #[test]
    fn files_are_listed_by_the_agents_shell() {
        let step = next(&demo(&[user("list the files")]));
        assert_eq!(called(&step), Some(("bash", &json!({ "command": "ls -la" }))));
    }

    #[test]
    fn a_line_of_the_instructions_is_quoted() {
        for (prompt, expected) in [
            ("quote the line with write", "but I was told: You write files."),
            ("quote the line with heron", "told nothing with \"heron\" in it."),
        ] {
            let Step::Say(text) = next(&demo(&[user(prompt)])) else { panic!("{prompt}: a call") };
            assert!(text.ends_with(expected), "{text}");
        }
    }

    #[test]
    fn a_tools_result_is_reported_and_not_asked_for_again() {
        let prompt = user("create a file hello.txt");
        for (result, expected) in [
            ("Wrote file successfully.", "hello.txt is in the workspace"),
            ("permission denied", "The tool answered: permission denied"),
        ] {
            let Step::Say(text) = next(&demo(&[prompt.clone(), tool(result)])) else {
                panic!("{result} leads to another call");
            };
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn each_prompt_starts_anew() {
        let earlier = [user("list the files"), tool("hello.txt"), user("create a file b.txt")];
        assert_eq!(called(&next(&demo(&earlier))).map(|(tool, _)| tool), Some("write"));
    }

    #[test]
    fn a_prompt_in_parts_is_understood() {
        let parts = json!([{ "type": "text", "text": "list the files" }, { "type": "image_url" }]);
        let step = next(&demo(&[json!({ "role": "user", "content": parts })]));
        assert_eq!(called(&step).map(|(tool, _)| tool), Some("bash"));
    }

    #[test]
    fn a_request_without_tools_gets_a_short_title() {
        let request = json!({ "messages": [user("\"create a file hello.txt saying hi\"\n")] });
        let step = next(&serde_json::from_value(request).unwrap());
        assert_eq!(step, Step::Say("Scripted: create hello.txt".into()));
    }

    #[test]
    fn it_never_passes_for_a_model() {
        let prompts =
            ["hello", "create a file a.txt", "list the files", "create a poem", "quote it with x"];
        for prompt in prompts {
            let (Step::Say(text) | Step::Call { saying: text, .. }) = next(&demo(&[user(prompt)]));
            assert!(text.contains("I am a script, not a model"), "{prompt}: {text}");
        }
    }
}
