//! A step of the script as the API says it: one object, or a stream of chunks; pure.
//!
//! The shapes are those of `OpenAI`'s "chat completion" and "chat completion chunk" objects.

use serde_json::{Value, json};

use crate::script::Step;

/// One call at a time, and each answered before the next: the name can be constant.
const CALL_ID: &str = "call_script";
const ID: &str = "chatcmpl-script";

/// The whole answer at once.
pub(crate) fn completion(model: &str, step: &Step) -> Value {
    let (finish_reason, message) = match step {
        Step::Say(text) => ("stop", json!({ "role": "assistant", "content": text })),
        Step::Call { saying, .. } => (
            "tool_calls",
            json!({ "role": "assistant", "content": saying, "tool_calls": [tool_call(step)] }),
        ),
    };
    json!({
        "id": ID, "object": "chat.completion", "created": 0, "model": model,
        "choices": [{ "index": 0, "message": message, "finish_reason": finish_reason }],
        "usage": usage(),
    })
}

/// The answer word by word; the end mark of the stream is not among them.
pub(crate) fn chunks(model: &str, step: &Step) -> Vec<Value> {
    let (text, finish_reason) = match step {
        Step::Say(text) => (text, "stop"),
        Step::Call { saying, .. } => (saying, "tool_calls"),
    };
    let words = text.split_inclusive(' ').map(|word| json!({ "content": word }));
    let call =
        matches!(step, Step::Call { .. }).then(|| json!({ "tool_calls": [tool_call(step)] }));

    let mut chunks = vec![chunk(model, &json!({ "role": "assistant", "content": "" }), None)];
    chunks.extend(words.chain(call).map(|delta| chunk(model, &delta, None)));
    let mut last = chunk(model, &json!({}), Some(finish_reason));
    last["usage"] = usage();
    chunks.push(last);
    chunks
}

fn chunk(model: &str, delta: &Value, finish_reason: Option<&str>) -> Value {
    json!({
        "id": ID, "object": "chat.completion.chunk", "created": 0, "model": model,
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish_reason }],
    })
}

fn tool_call(step: &Step) -> Value {
    match step {
        Step::Say(_) => Value::Null,
        Step::Call { tool, arguments, .. } => json!({
            "index": 0, "id": CALL_ID, "type": "function",
            "function": { "name": tool, "arguments": arguments.to_string() },
        }),
    }
}

/// A script reads and writes no tokens.
fn usage() -> Value {
    json!({ "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0 })
}
