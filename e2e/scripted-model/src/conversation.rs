//! The part of a chat completion request that the script goes by; pure. All else in it is ignored.
//!
//! The shapes are those of the "Create chat completion" call in `OpenAI`'s API reference.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(crate) struct ChatRequest {
    #[serde(default)]
    pub(crate) model: String,
    pub(crate) messages: Vec<Message>,
    #[serde(default)]
    tools: Vec<Tool>,
    #[serde(default)]
    pub(crate) stream: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    role: Role,
    #[serde(default)]
    content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    System,
    User,
    Tool,
    #[serde(other)]
    Other,
}

/// A text, or a list of parts of which only some are text.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
    #[default]
    Nothing,
}

#[derive(Debug, Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
}

#[derive(Debug, Deserialize)]
struct Tool {
    function: Function,
}

#[derive(Debug, Deserialize)]
struct Function {
    name: String,
}

impl ChatRequest {
    pub(crate) fn offers(&self, tool: &str) -> bool {
        self.tools.iter().any(|offered| offered.function.name == tool)
    }

    pub(crate) fn offers_tools(&self) -> bool {
        !self.tools.is_empty()
    }

    /// What the user said last; nothing when there was no user.
    pub(crate) fn last_prompt(&self) -> String {
        self.messages
            .iter()
            .rfind(|message| message.role == Role::User)
            .map(Message::text)
            .unwrap_or_default()
    }

    /// What the agent is told beside the conversation, its `AGENTS.md` among it.
    pub(crate) fn instructions(&self) -> String {
        let system = self.messages.iter().filter(|message| message.role == Role::System);
        system.map(Message::text).collect::<Vec<_>>().join("\n")
    }

    /// What the tools that were called for the last prompt answered, oldest first.
    pub(crate) fn tool_results(&self) -> Vec<String> {
        let prompt = self.messages.iter().rposition(|message| message.role == Role::User);
        let since = prompt.map_or(0, |index| index + 1);
        let results = self.messages[since..].iter().filter(|message| message.role == Role::Tool);
        results.map(Message::text).collect()
    }
}

impl Message {
    fn text(&self) -> String {
        match &self.content {
            Content::Text(text) => text.clone(),
            Content::Parts(parts) => {
                parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n")
            }
            Content::Nothing => String::new(),
        }
    }
}
