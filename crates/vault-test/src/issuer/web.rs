//! The HTTP ends of the development issuer.

use super::{Algorithm, Binding, Shared, dpop, form};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

const LONGEST_FORM: usize = 16 << 10;

pub(super) async fn serve(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((tcp, _)) = accepted {
                    connections.spawn(connection(tcp, acceptor.clone(), shared.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(tcp: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    // A client that breaks off is its own affair.
    let Ok(tls) = acceptor.accept(tcp).await else {
        return;
    };
    let answer = service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(respond(&shared, request).await) }
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(tls), answer)
        .await;
}

async fn respond(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    match (request.method().clone(), path.as_str()) {
        (Method::GET, "/.well-known/openid-configuration") => ok(&discovery(shared)),
        (Method::GET, "/jwks") => ok(&shared.ring().jwks()),
        (Method::POST, "/token") => token(shared, request).await,
        (Method::POST, "/test/rotate") if shared.config.test_ends => {
            rotate(shared, request.uri().query())
        }
        (Method::POST, "/test/drop") if shared.config.test_ends => {
            drop_key(shared, request.uri().query())
        }
        _ => failure(StatusCode::NOT_FOUND, "not_found"),
    }
}

fn discovery(shared: &Shared) -> Value {
    let url = &shared.url;
    json!({
        "issuer": url,
        "jwks_uri": format!("{url}/jwks"),
        "token_endpoint": format!("{url}/token"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": Algorithm::ALL.map(Algorithm::name),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "dpop_signing_alg_values_supported": ["ES256", "EdDSA"],
    })
}

async fn token(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let basic = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| form::basic(value.to_str().ok()?));
    let proofs: Vec<String> = request.headers().get_all("dpop").iter().map(text).collect();
    let body = Limited::new(request.into_body(), LONGEST_FORM);
    let Ok(body) = body.collect().await else {
        return failure(StatusCode::BAD_REQUEST, "invalid_request");
    };
    let body = body.to_bytes();
    let Some(form) = std::str::from_utf8(&body).ok().and_then(form::parse) else {
        return failure(StatusCode::BAD_REQUEST, "invalid_request");
    };
    if form.get("grant_type").map(String::as_str) != Some("client_credentials") {
        return failure(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    let posted = || {
        Some((
            form.get("client_id")?.clone(),
            form.get("client_secret")?.clone(),
        ))
    };
    let known = basic.or_else(posted).and_then(|(id, secret)| {
        let mut clients = shared.config.clients.iter();
        clients.find(|client| client.id == id && client.secret == secret)
    });
    let Some(client) = known else {
        return failure(StatusCode::UNAUTHORIZED, "invalid_client");
    };
    match binding(shared, &proofs, &form) {
        Ok(binding) => granted(shared, client, &binding),
        Err(error) => failure(StatusCode::BAD_REQUEST, error),
    }
}

fn granted(shared: &Shared, client: &super::Client, binding: &Binding) -> Response<Full<Bytes>> {
    let is_dpop = matches!(binding.confirmation, Some(("jkt", _)));
    ok(&json!({
        "access_token": shared.token(client, binding),
        "token_type": if is_dpop { "DPoP" } else { "Bearer" },
        "expires_in": shared.config.token_seconds,
    }))
}

/// What the token is to be bound to, or the error of RFC 9449 and RFC 8707.
fn binding(
    shared: &Shared,
    proofs: &[String],
    form: &BTreeMap<String, String>,
) -> Result<Binding, &'static str> {
    let mut binding = match (proofs, form.get("x5t#S256")) {
        ([], None) => Binding::default(),
        ([], Some(hash)) => Binding {
            confirmation: Some(("x5t#S256", hash.clone())),
            audience: None,
        },
        ([proof], None) => {
            let uri = format!("{}/token", shared.url);
            let jkt = dpop::thumbprint(proof, &uri, super::now());
            Binding::key(jkt.ok_or("invalid_dpop_proof")?)
        }
        _ => return Err("invalid_request"),
    };
    if let Some(resource) = form.get("resource") {
        let vault = resource.strip_prefix("https://");
        let vault = vault.filter(|id| vault_encoding::text::unhex::<32>(id).is_some());
        binding.audience = Some(vault.ok_or("invalid_target")?.to_owned());
    }
    Ok(binding)
}

fn text(value: &hyper::header::HeaderValue) -> String {
    value.to_str().unwrap_or_default().to_owned()
}

fn rotate(shared: &Shared, query: Option<&str>) -> Response<Full<Bytes>> {
    let algorithm = member(query, "alg").and_then(|name| Algorithm::from_name(&name));
    let Some(algorithm) = algorithm else {
        return failure(StatusCode::BAD_REQUEST, "unknown_algorithm");
    };
    match shared.ring().rotate(algorithm) {
        Ok(kid) => ok(&json!({ "kid": kid })),
        Err(_) => failure(StatusCode::INTERNAL_SERVER_ERROR, "no_key"),
    }
}

fn drop_key(shared: &Shared, query: Option<&str>) -> Response<Full<Bytes>> {
    let kid = member(query, "kid").unwrap_or_default();
    ok(&json!({ "dropped": shared.ring().drop_key(&kid) }))
}

fn member(query: Option<&str>, name: &str) -> Option<String> {
    form::parse(query?)?.remove(name)
}

fn ok(value: &Value) -> Response<Full<Bytes>> {
    answer(StatusCode::OK, value)
}

fn failure(status: StatusCode, error: &str) -> Response<Full<Bytes>> {
    answer(status, &json!({ "error": error }))
}

fn answer(status: StatusCode, value: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("application/json"),
    );
    headers.insert(
        CACHE_CONTROL,
        hyper::header::HeaderValue::from_static("no-store"),
    );
    response
}
