//! The call `Attach` as HTTP/2 carries it, at both ends. On the wire it is what tonic and every
//! other gRPC implementation make of it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri,
    header::{CONTENT_TYPE, TE},
    uri::PathAndQuery,
};
use http_body::{Body, Frame};
use http_body_util::StreamBody;
use tonic::{Code, Status, body::Body as TonicBody};

use crate::{
    framing::{Messages, encode},
    v1::{AttachRequest, AttachResponse},
};

/// The path of the call.
pub const PATH: &str = "/kubeopencode.terminal.v1.TerminalBroker/Attach";

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// What a viewer asks for, as the server reads it.
pub type Requests = Messages<AttachRequest, TonicBody>;

/// A call to the server at `origin` that asks for `requests`; it ends with them.
pub fn request<S>(origin: &Uri, requests: S) -> Request<TonicBody>
where
    S: Stream<Item = AttachRequest> + Unpin + Send + 'static,
{
    let frames = requests.map(|request| encode(&request).map(Frame::data));
    let mut request = Request::new(TonicBody::new(StreamBody::new(frames)));
    *request.method_mut() = Method::POST;
    let mut parts = origin.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::from_static(PATH));
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request.headers_mut().insert(TE, HeaderValue::from_static("trailers"));
    request.headers_mut().insert(CONTENT_TYPE, GRPC);
    request
}

/// What the server answers to a call.
pub fn responses<B>(response: Response<B>) -> Result<Messages<AttachResponse, B>, Status> {
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() != Code::Ok => return Err(status),
        _ => {}
    }
    match response.status() {
        StatusCode::OK => Ok(Messages::new(response.into_body())),
        other => Err(Status::unknown(format!("an answer that is not gRPC's: {other}"))),
    }
}

/// What a call asks for.
pub fn requests(body: TonicBody) -> Requests {
    Messages::new(body)
}

/// The answer to a call: `responses` to their last one, whose error is the call's status.
pub fn response<S>(responses: Result<S, Status>) -> Response<TonicBody>
where
    S: Stream<Item = Result<AttachResponse, Status>> + Unpin + Send + 'static,
{
    match responses {
        Err(status) => status.into_http(),
        Ok(responses) => {
            let mut response = Response::new(TonicBody::new(Answering(Some(responses))));
            response.headers_mut().insert(CONTENT_TYPE, GRPC);
            response
        }
    }
}

/// The body of an answer; nothing is left once its trailers were sent.
struct Answering<S>(Option<S>);

impl<S: Stream<Item = Result<AttachResponse, Status>> + Unpin> Body for Answering<S> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(responses) = &mut self.0 else { return Poll::Ready(None) };
        let status = match ready!(Pin::new(responses).poll_next(context)) {
            Some(Ok(response)) => match encode(&response) {
                Ok(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Err(status) => status,
            },
            Some(Err(status)) => status,
            None => Status::new(Code::Ok, ""),
        };
        self.0 = None;
        let mut trailers = HeaderMap::new();
        status.add_header(&mut trailers)?;
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}
