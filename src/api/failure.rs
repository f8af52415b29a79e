//! What a request that is not granted is answered: a status, and an [`ErrorBody`], whatever is wrong with it.

use super::messages::ErrorBody;
use crate::model::request::{Refusal, RefusalKind};
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, RequestExt};
use serde::de::DeserializeOwned;
use std::time::Duration;
use utoipa::IntoResponses;

/// How long a request may take to come in: its head, and then its body.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A request that is not granted.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) body: ErrorBody,
}

impl Failure {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, body: ErrorBody { error: error.into(), hint: None } }
    }

    pub(super) fn invalid(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.body.hint = Some(hint.into());
        self
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.kind {
            RefusalKind::Unknown => StatusCode::NOT_FOUND,
            RefusalKind::Invalid => StatusCode::BAD_REQUEST,
            RefusalKind::Conflict => StatusCode::CONFLICT,
        };
        Self { status, body: ErrorBody { error: refusal.message, hint: refusal.hint } }
    }
}

impl From<JsonRejection> for Failure {
    fn from(rejection: JsonRejection) -> Self {
        // A body that is JSON but not the one that is wanted is as invalid as one that is none.
        let status = match rejection.status() {
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            status => status,
        };
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(status, "the body is longer than 64 KiB"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::new(status, "the body is not declared to be JSON")
                .hint("send `content-type: application/json`"),
            status => Self::new(status, rejection.body_text()),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// What any request may be answered.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described by it, never made")]
pub(super) enum Refused {
    /// It makes no sense.
    #[response(status = 400)]
    Invalid(ErrorBody),
    /// Over a port: the token is missing or wrong.
    #[response(status = 401)]
    Stranger(ErrorBody),
    /// Over a port: it is for another host, or from a page of one.
    #[response(status = 403)]
    Forbidden(ErrorBody),
    /// It names what there is not.
    #[response(status = 404)]
    Unknown(ErrorBody),
    /// It makes sense, but not now: the run is ending, a file is broken, a port is taken.
    #[response(status = 409)]
    Conflict(ErrorBody),
    /// Too many connections are open, or answers go on.
    #[response(status = 503)]
    Busy(ErrorBody),
}

/// What a request with a body may be answered, besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described by it, never made")]
pub(super) enum Unread {
    /// The body did not come in within 5 seconds.
    #[response(status = 408)]
    Slow(ErrorBody),
    /// The body is longer than 64 KiB.
    #[response(status = 413)]
    Long(ErrorBody),
    /// The body is not declared to be JSON.
    #[response(status = 415)]
    Foreign(ErrorBody),
}

/// A body of JSON that has come in in time.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + 'static> FromRequest<S> for Asked<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Failure> {
        let reading = request.extract::<Json<T>, _>();
        let Ok(read) = tokio::time::timeout(PATIENCE, reading).await else {
            return Err(Failure::new(
                StatusCode::REQUEST_TIMEOUT,
                "the body did not come in within 5 seconds",
            ));
        };
        Ok(Self(read?.0))
    }
}

/// The answer where there is no such path.
pub(super) async fn no_such_path() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is nothing at this path")
        .hint("`/openapi.json` says what there is")
}

/// The answer where the path takes another method.
pub(super) async fn no_such_method() -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method")
        .hint("`/openapi.json` says what there is")
}
