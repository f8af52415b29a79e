//! Who may ask over a port: whoever knows the token, and no page of a browser.
//!
//! A page may send requests to any address, ours included, by a name that leads here (DNS rebinding). It cannot choose the `Host` and
//! `Origin` that the browser sends with them.

use super::failure::Failure;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// What a request over the port has to show.
pub(super) struct Gate {
    pub(super) number: u16,
    pub(super) token: String,
}

/// Lets those through who may ask.
pub(super) async fn check(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    match gate.judge(&request) {
        Ok(()) => next.run(request).await,
        Err(failure) => {
            let is_unknown = failure.status == StatusCode::UNAUTHORIZED;
            let mut response = failure.into_response();
            if is_unknown {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    }
}

impl Gate {
    fn judge(&self, request: &Request) -> Result<(), Failure> {
        let refused = |what: &str| Failure::new(StatusCode::FORBIDDEN, what);
        let headers = request.headers();
        let host = one(headers, &HOST).filter(|host| self.is_ours(host));
        let host = host.ok_or_else(|| refused("the request is for another host (`Host`)"))?;
        if request.uri().authority().is_some_and(|authority| authority.as_str() != host) {
            return Err(refused("the request is for another host (its target)"));
        }
        if headers.contains_key(ORIGIN) && one(headers, &ORIGIN) != Some(&format!("http://{host}")) {
            return Err(refused("the request comes from a page of another host (`Origin`)"));
        }
        let given = one(headers, &AUTHORIZATION).and_then(bearer);
        if !given.is_some_and(|given| is_same(given.as_bytes(), self.token.as_bytes())) {
            let failure = Failure::new(StatusCode::UNAUTHORIZED, "the token is missing or wrong");
            return Err(failure
                .hint("send `authorization: Bearer TOKEN`; the file with it is named when the run starts"));
        }
        Ok(())
    }

    fn is_ours(&self, host: &str) -> bool {
        let name = match host.strip_suffix(&format!(":{}", self.number)) {
            Some(name) => name,
            None if self.number == 80 => host,
            None => return false,
        };
        ["127.0.0.1", "[::1]"].contains(&name) || name.eq_ignore_ascii_case("localhost")
    }
}

/// A header that is there once, and text.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let only = values.next()?;
    only.to_str().ok().filter(|_| values.next().is_none())
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether two words are the same, in a time that does not depend on where they differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let difference = one
        .iter()
        .zip(other)
        .fold(0, |difference, (one, other)| std::hint::black_box(difference | (one ^ other)));
    one.len() == other.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn judged(headers: &[(&str, &str)]) -> u16 {
        let gate = Gate { number: 4000, token: "word".into() };
        let request = headers
            .iter()
            .fold(Request::builder().uri("/run"), |request, (name, value)| request.header(*name, *value));
        gate.judge(&request.body(Body::empty()).unwrap())
            .map_or_else(|failure| failure.status.as_u16(), |()| 200)
    }

    const HOST: (&str, &str) = ("host", "127.0.0.1:4000");
    const WORD: (&str, &str) = ("authorization", "Bearer word");

    #[test]
    fn the_token_opens_and_nothing_else() {
        assert_eq!(judged(&[HOST, WORD]), 200);
        assert_eq!(judged(&[HOST, ("authorization", "bearer  word")]), 200);
        for wrong in ["Bearer", "Bearer ", "Bearer wor", "Bearer words", "Bearer Word", "Basic word", "word"]
        {
            assert_eq!(judged(&[HOST, ("authorization", wrong)]), 401, "{wrong}");
        }
        assert_eq!(judged(&[HOST]), 401);
        assert_eq!(judged(&[HOST, WORD, WORD]), 401);
    }

    #[test]
    fn a_name_that_was_made_to_lead_here_is_refused() {
        for host in ["localhost:4000", "LocalHost:4000", "[::1]:4000"] {
            assert_eq!(judged(&[("host", host), WORD]), 200, "{host}");
        }
        for host in
            ["evil.example:4000", "127.0.0.1", "127.0.0.1:80", "127.0.0.1.evil.example:4000", "localhost", ""]
        {
            assert_eq!(judged(&[("host", host), WORD]), 403, "{host}");
        }
        assert_eq!(judged(&[WORD]), 403);
        assert_eq!(judged(&[HOST, HOST, WORD]), 403);
    }

    #[test]
    fn a_page_of_another_host_is_refused() {
        assert_eq!(judged(&[HOST, WORD, ("origin", "http://127.0.0.1:4000")]), 200);
        for origin in [
            "http://evil.example",
            "null",
            "https://127.0.0.1:4000",
            "http://localhost:4000",
            "http://127.0.0.1:4001",
        ] {
            assert_eq!(judged(&[HOST, WORD, ("origin", origin)]), 403, "{origin}");
        }
    }
}
