//! The run as a whole: how it stands, how many there are of what, and its end.

use super::failure::{Asked, Failure, Refused, Unread};
use super::messages::{Changes, Done, Formation, ScaleRequest};
use super::query::RunQuery;
use crate::engine::handle::Handle;
use crate::model::snapshot::{Snapshot, TypeStatus};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;

/// How the run stands.
#[utoipa::path(get, path = "/run", tag = "run", params(RunQuery),
    responses((status = 200, description = "The run and its instances.", body = Snapshot), Refused))]
pub(super) async fn run(
    State(handle): State<Handle>,
    RawQuery(query): RawQuery,
) -> Result<Json<Snapshot>, Failure> {
    let query = RunQuery::read(query.as_deref().unwrap_or_default()).map_err(Failure::invalid)?;
    Ok(Json(handle.look(query.usage).await?))
}

/// End the run.
#[utoipa::path(post, path = "/run/down", tag = "run",
    responses((status = 202, description = "It is ending.", body = Done), Refused))]
pub(super) async fn down(State(handle): State<Handle>) -> Result<(StatusCode, Json<Done>), Failure> {
    handle.down().await?;
    Ok((StatusCode::ACCEPTED, Json(Done {})))
}

/// Read the files of the app again, and change what differs.
#[utoipa::path(post, path = "/run/reload", tag = "run",
    responses((status = 200, description = "What differed.", body = Changes), Refused))]
pub(super) async fn reload(State(handle): State<Handle>) -> Result<Json<Changes>, Failure> {
    let changes = handle.reload().await?;
    Ok(Json(Changes { changes }))
}

/// How many instances there are of each process type.
#[utoipa::path(get, path = "/formation", tag = "formation",
    responses((status = 200, description = "How many, in the order of the Procfile.", body = Formation), Refused))]
pub(super) async fn formation(State(handle): State<Handle>) -> Result<Json<Formation>, Failure> {
    Ok(Json(Formation(handle.scale(Vec::new()).await?)))
}

/// Change how many there are.
#[utoipa::path(patch, path = "/formation", tag = "formation", request_body = ScaleRequest,
    responses((status = 200, description = "How many there are then.", body = Formation), Refused, Unread))]
pub(super) async fn scale(
    State(handle): State<Handle>,
    Asked(request): Asked<ScaleRequest>,
) -> Result<Json<Formation>, Failure> {
    Ok(Json(Formation(handle.scale(request.changes).await?)))
}

/// The process types, with what they run.
#[utoipa::path(get, path = "/types", tag = "formation",
    responses((status = 200, description = "In the order of the Procfile.", body = [TypeStatus]), Refused))]
pub(super) async fn types(State(handle): State<Handle>) -> Result<Json<Vec<TypeStatus>>, Failure> {
    Ok(Json(handle.types().await?))
}
