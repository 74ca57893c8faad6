//! One request of git's smart HTTP and its answer, as the blocking streams that git's protocol reads and writes.

use std::{
    io::{self, BufRead, Cursor, Read, Write},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::{
    error::GitError,
    http::{Client, because},
    net::silence,
};

type Shared = Arc<Mutex<Exchange>>;

/// A request and its answer. It is sent when the first byte of the answer is asked for.
struct Exchange {
    client: Arc<Client>,
    request: Option<(Method, Uri, HeaderMap, Vec<u8>)>,
    answer: Option<Response<Incoming>>,
}

/// The answer to a request that was sent.
pub(super) fn answered(client: Arc<Client>, answer: Response<Incoming>) -> Streams {
    streams(Exchange { client, request: None, answer: Some(answer) })
}

/// A request whose body is still to be written.
pub(super) fn posting(client: Arc<Client>, uri: Uri, headers: HeaderMap) -> Streams {
    streams(Exchange { client, request: Some((Method::POST, uri, headers, vec![])), answer: None })
}

type Streams = (PostBody, Headers, ResponseBody);

fn streams(exchange: Exchange) -> Streams {
    let exchange = Arc::new(Mutex::new(exchange));
    let headers = Headers { exchange: Arc::clone(&exchange), lines: None };
    let body = ResponseBody { exchange: Arc::clone(&exchange), chunk: Bytes::new() };
    (PostBody(exchange), headers, body)
}

impl Exchange {
    fn send(&mut self) -> io::Result<()> {
        let Some((method, uri, headers, body)) = self.request.take() else { return Ok(()) };
        let client = &self.client;
        let sent = client.net.block_on(client.send((method, uri, headers, body.into())));
        let checked = sent.and_then(|answer| client.check(&answer).map(|()| answer));
        self.answer = Some(checked.map_err(|error| client.failure.keep(error))?);
        Ok(())
    }

    /// The next bytes of the answer; none at its end.
    fn read(&mut self) -> io::Result<Bytes> {
        self.send()?;
        let Some(answer) = &mut self.answer else { return Ok(Bytes::new()) };
        let client = &self.client;
        let next = client.net.block_on(async {
            loop {
                match tokio::time::timeout(client.net.stall, answer.body_mut().frame()).await {
                    Err(_) => return Err(because(&silence(client.net.stall))),
                    Ok(None) => return Ok(Bytes::new()),
                    Ok(Some(Err(error))) => return Err(because(&error)),
                    Ok(Some(Ok(frame))) => match frame.into_data() {
                        Ok(data) if !data.is_empty() => return Ok(data),
                        _ => {}
                    },
                }
            }
        });
        let place = client.place.clone();
        next.map_err(|why| client.failure.keep(GitError::Broken { place, why }))
    }
}

fn locked<T>(shared: &Shared, work: impl FnOnce(&mut Exchange) -> T) -> T {
    work(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
}

pub(super) struct PostBody(Shared);

impl Write for PostBody {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        locked(&self.0, |exchange| match &mut exchange.request {
            Some((.., body)) => body.write(data),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The answer's headers, line by line.
pub(super) struct Headers {
    exchange: Shared,
    lines: Option<Cursor<Vec<u8>>>,
}

impl BufRead for Headers {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.lines.is_none() {
            let lines = locked(&self.exchange, |exchange| {
                exchange.send()?;
                let headers = exchange.answer.iter().flat_map(Response::headers);
                let line = |(name, value): (&HeaderName, &HeaderValue)| {
                    [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat()
                };
                io::Result::Ok(headers.flat_map(line).collect())
            })?;
            self.lines = Some(Cursor::new(lines));
        }
        self.lines.as_mut().map_or(Ok(&[]), BufRead::fill_buf)
    }

    fn consume(&mut self, amount: usize) {
        if let Some(lines) = &mut self.lines {
            lines.consume(amount);
        }
    }
}

pub(super) struct ResponseBody {
    exchange: Shared,
    chunk: Bytes,
}

impl BufRead for ResponseBody {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.chunk.is_empty() {
            self.chunk = locked(&self.exchange, Exchange::read)?;
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        drop(self.chunk.split_to(amount));
    }
}

impl Read for Headers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buffer)
    }
}

impl Read for ResponseBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buffer)
    }
}

fn read_buffered(from: &mut impl BufRead, buffer: &mut [u8]) -> io::Result<usize> {
    let count = from.fill_buf()?.read(buffer)?;
    from.consume(count);
    Ok(count)
}
