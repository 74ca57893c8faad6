use http::header::HOST;
use hyper::client::conn::http1 as client;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::*;

/// Status, content type and body of one request over a real socket.
async fn ask(method: Method, path: &str, body: String) -> (StatusCode, String, String) {
    let daemon = Daemon::new("scripted-model");
    let acceptor = daemon.listen("api", ([127, 0, 0, 1], 0).into(), 4).await.unwrap();
    let address = acceptor.local_address();

    let exchange = async {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = client::handshake(TokioIo::new(stream)).await.unwrap();
        let request = Request::builder().method(method).uri(path).header(HOST, "script");
        let answer = async move {
            let answer = sender.send_request(request.body(body).unwrap()).await.unwrap();
            let (head, body) = answer.into_parts();
            (head, body.collect().await.unwrap().to_bytes())
        };
        let ((head, body), _) = tokio::join!(answer, connection);
        daemon.shutdown.cancel();
        let content_type = head.headers[CONTENT_TYPE].to_str().unwrap().to_owned();
        (head.status, content_type, String::from_utf8(body.to_vec()).unwrap())
    };
    let ((), answer) = tokio::join!(accept(acceptor, Duration::ZERO, &daemon), exchange);
    answer
}

async fn complete(request: Value) -> (StatusCode, String, String) {
    ask(Method::POST, "/v1/chat/completions", request.to_string()).await
}

fn demo() -> Value {
    json!({
        "model": "script",
        "messages": [{ "role": "user", "content": "create a file hello.txt saying hi" }],
        "tools": [{ "type": "function", "function": { "name": "write" } }],
    })
}

#[tokio::test]
async fn a_tool_is_called_in_one_answer() {
    let (status, content_type, body) = complete(demo()).await;
    assert_eq!((status, content_type.as_str()), (StatusCode::OK, "application/json"));

    let body: Value = serde_json::from_str(&body).unwrap();
    let choice = &body["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    let function = &choice["message"]["tool_calls"][0]["function"];
    let expected =
        json!({ "name": "write", "arguments": r#"{"content":"hi\n","filePath":"hello.txt"}"# });
    assert_eq!(function, &expected);
}

#[tokio::test]
async fn a_streamed_answer_comes_in_many_chunks_and_ends_with_its_mark() {
    let mut request = demo();
    request["stream"] = true.into();
    let (status, content_type, body) = complete(request).await;
    assert_eq!((status, content_type.as_str()), (StatusCode::OK, "text/event-stream"));

    let events: Vec<&str> =
        body.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap()).collect();
    let (mark, chunks) = events.split_last().unwrap();
    let chunks: Vec<Value> =
        chunks.iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect();
    let deltas = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]);
    let said: String = deltas.clone().filter_map(|delta| delta["content"].as_str()).collect();
    let calls = deltas.filter(|delta| delta["tool_calls"].is_array()).count();

    assert_eq!(*mark, "[DONE]");
    assert!(chunks.len() > 10, "{}", chunks.len());
    assert_eq!(said, "I am a script, not a model, but I can do that: writing hello.txt.");
    assert_eq!(calls, 1);
    let last = chunks.last().unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "tool_calls");
    assert!(last["usage"].is_object());
}

#[tokio::test]
async fn it_says_that_it_is_well_and_what_it_is() {
    let (status, _, _) = ask(Method::GET, "/healthz", String::new()).await;
    assert_eq!(status, StatusCode::OK);
    let (_, _, models) = ask(Method::GET, "/v1/models", String::new()).await;
    assert!(models.contains("\"owned_by\":\"a script\""), "{models}");
}

#[tokio::test]
async fn what_is_not_a_conversation_is_refused_with_a_reason() {
    let (status, _, body) = complete(json!({ "model": "script" })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("missing field `messages`"), "{body}");

    let (status, _, body) = ask(Method::GET, "/v2", String::new()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("/v1/chat/completions"), "{body}");
}
