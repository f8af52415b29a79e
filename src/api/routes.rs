//! All routes, and the document that describes them.

use super::attach::Places;
use super::body::Streams;
use super::failure::{no_such_method, no_such_path};
use super::{attach, events, instances, logs, metrics, run};
use crate::engine::handle::Handle;
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::watch;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The bytes that a body may have.
const MOST_BODY: usize = 64 * 1024;

/// What the routes know.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) handle: Handle,
    /// Dropped at the other end: the run is over.
    pub(super) ended: watch::Receiver<()>,
    /// For those who are attached.
    pub(super) places: Places,
    /// For those who are told what goes on.
    pub(super) streams: Streams,
    /// The lines that those who follow the log have missed, all together.
    pub(super) missed: Arc<AtomicU64>,
}

impl FromRef<App> for Handle {
    fn from_ref(app: &App) -> Self {
        app.handle.clone()
    }
}

/// What the document says besides the routes.
#[derive(OpenApi)]
#[openapi(info(
    title = "proc",
    description = "Control of a run: over the Unix socket `control.sock` in the directory of the run, which only its user can open."
))]
struct Document;

/// The routes and their document.
fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(run::run))
        .routes(routes!(run::down))
        .routes(routes!(run::reload))
        .routes(routes!(run::formation, run::scale))
        .routes(routes!(run::types))
        .routes(routes!(instances::instances))
        .routes(routes!(instances::instance))
        .routes(routes!(instances::start))
        .routes(routes!(instances::stop))
        .routes(routes!(instances::restart))
        .routes(routes!(instances::signal))
        .routes(routes!(attach::attach))
        .routes(routes!(attach::window))
        .routes(routes!(logs::logs))
        .routes(routes!(events::events))
        .routes(routes!(metrics::metrics))
}

/// What answers.
pub(super) fn router(app: App) -> Router {
    let (router, _) = described().split_for_parts();
    let json = [(CONTENT_TYPE, "application/json")];
    router
        .route("/openapi.json", get(move || async move { (json, document()) }))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .with_state(app)
}

/// The document in `OpenAPI`, as it is served and committed.
#[must_use]
pub fn document() -> String {
    // Texts, numbers and lists of them can be written as JSON.
    described().into_openapi().to_pretty_json().unwrap_or_default() + "\n"
}
