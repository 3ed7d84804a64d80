//! What a connection without the preamble gets: health.

use super::Door;
use crate::service::refusal_to_error;
use bytes::Bytes;
use connectrpc::ConnectRpcBody;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use ratls::tls::ServerStream;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;
use vault_core::{Code, Refusal};

/// Such a connection has a question or two.
const LONGEST: Duration = Duration::from_secs(30);

type Body = Either<Full<Bytes>, ConnectRpcBody>;

pub(super) async fn serve(
    stream: ServerStream<TcpStream>,
    door: Arc<Door>,
    mut stop: watch::Receiver<bool>,
) {
    let header_time = Duration::from_secs(door.limits.handshake_seconds);
    let answer = service_fn(move |request: Request<Incoming>| {
        let response = respond(&door, &request);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .max_buf_size(16 << 10);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(4)
        .max_header_list_size(16 << 10);
    let connection = builder.serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    tokio::select! {
        // A client that breaks off is its own affair.
        _ = &mut connection => {}
        () = sleep(LONGEST) => {}
        _ = stop.changed() => {}
    }
}

fn respond(door: &Door, request: &Request<Incoming>) -> Response<Body> {
    if request.method() == Method::GET && request.uri().path() == "/healthz" {
        return health(door.shared.state.is_ok());
    }
    let refusal = Refusal::new(Code::NotAttested);
    refusal_to_error(&refusal)
        .into_http_response(request.headers())
        .map(Either::Right)
}

fn health(serving: bool) -> Response<Body> {
    let (status, text) = match serving {
        true => (StatusCode::OK, r#"{"status":"serving"}"#),
        false => (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"locked"}"#),
    };
    let mut response = Response::new(Either::Left(Full::new(Bytes::from_static(text.as_bytes()))));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
