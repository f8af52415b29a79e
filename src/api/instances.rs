//! The instances: how they stand, and what is done to those that are named.

use super::failure::{Asked, Failure, Refused, Unread};
use super::messages::{Instances, Names, SignalRequest};
use super::query::{InstancesQuery, RunQuery};
use crate::engine::handle::{Act, Handle};
use crate::model::signal::Signal;
use crate::model::snapshot::InstanceStatus;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};

/// How the instances stand.
#[utoipa::path(get, path = "/instances", tag = "instances", params(InstancesQuery),
    responses((status = 200, description = "In the order of the Procfile.", body = [InstanceStatus]), Refused))]
pub(super) async fn instances(
    State(handle): State<Handle>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<InstanceStatus>>, Failure> {
    let query = InstancesQuery::read(query.as_deref().unwrap_or_default()).map_err(Failure::invalid)?;
    let mut all = handle.look(query.usage).await?.instances;
    if !query.name.is_empty() {
        let chosen = handle.select(query.name).await?;
        all.retain(|each| chosen.contains(&each.name));
    }
    Ok(Json(all))
}

/// How an instance stands.
#[utoipa::path(get, path = "/instances/{name}", tag = "instances",
    params(("name" = String, Path, description = "What it is called: `web.1`."), RunQuery),
    responses((status = 200, description = "The instance.", body = InstanceStatus), Refused))]
pub(super) async fn instance(
    State(handle): State<Handle>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<InstanceStatus>, Failure> {
    let query = RunQuery::read(query.as_deref().unwrap_or_default()).map_err(Failure::invalid)?;
    let name = one(&handle, name).await?;
    let mut all = handle.look(query.usage).await?.instances.into_iter();
    let found = all.find(|each| each.name == name);
    // It was there a moment ago.
    let gone = || Failure::new(axum::http::StatusCode::NOT_FOUND, format!("`{name}` has just gone"));
    found.map(Json).ok_or_else(gone)
}

/// The one instance that a part of a path means: `web.1`, or `web` where there is one.
pub(super) async fn one(
    handle: &Handle,
    name: Result<Path<String>, PathRejection>,
) -> Result<String, Failure> {
    let Path(name) = name.map_err(|rejection| Failure::invalid(rejection.body_text()))?;
    let mut chosen = handle.select(vec![name.clone()]).await?;
    match (chosen.pop(), chosen.is_empty()) {
        (Some(only), true) => Ok(only),
        (last, _) => {
            let all: Vec<String> = chosen.into_iter().chain(last).collect();
            Err(Failure::invalid(format!("`{name}` means more than one instance: {}", all.join(", "))))
        }
    }
}

/// Start those that are down, or have failed.
#[utoipa::path(post, path = "/instances/start", tag = "instances", request_body = Names,
    responses((status = 200, description = "Which these are.", body = Instances), Refused, Unread))]
pub(super) async fn start(
    State(handle): State<Handle>,
    Asked(request): Asked<Names>,
) -> Result<Json<Instances>, Failure> {
    act(&handle, Act::Start, request.names).await
}

/// Stop these; they stay down until somebody starts them.
#[utoipa::path(post, path = "/instances/stop", tag = "instances", request_body = Names,
    responses((status = 200, description = "Which these are.", body = Instances), Refused, Unread))]
pub(super) async fn stop(
    State(handle): State<Handle>,
    Asked(request): Asked<Names>,
) -> Result<Json<Instances>, Failure> {
    act(&handle, Act::Stop, request.names).await
}

/// Stop these and start them anew.
#[utoipa::path(post, path = "/instances/restart", tag = "instances", request_body = Names,
    responses((status = 200, description = "Which these are.", body = Instances), Refused, Unread))]
pub(super) async fn restart(
    State(handle): State<Handle>,
    Asked(request): Asked<Names>,
) -> Result<Json<Instances>, Failure> {
    act(&handle, Act::Restart, request.names).await
}

/// Send a signal to the groups of these.
#[utoipa::path(post, path = "/instances/signal", tag = "instances", request_body = SignalRequest,
    responses((status = 200, description = "Which these are.", body = Instances), Refused, Unread))]
pub(super) async fn signal(
    State(handle): State<Handle>,
    Asked(request): Asked<SignalRequest>,
) -> Result<Json<Instances>, Failure> {
    let signal = signal_named(&request.signal)
        .ok_or_else(|| Failure::invalid(format!("there is no signal `{}`", request.signal.escape_debug())))?;
    act(&handle, Act::Signal(signal), request.names).await
}

async fn act(handle: &Handle, act: Act, names: Vec<String>) -> Result<Json<Instances>, Failure> {
    if names.is_empty() {
        return Err(Failure::invalid("no instance is named").hint("`*` means all"));
    }
    let instances = handle.act(act, names).await?;
    Ok(Json(Instances { instances }))
}

/// The signal with this name or number.
fn signal_named(text: &str) -> Option<Signal> {
    let number = text.parse().ok().filter(|number| (1..=64).contains(number));
    number.map(Signal::from_number).or_else(|| Signal::from_name(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_has_a_name_or_a_number() {
        assert_eq!(signal_named("sighup"), Some(Signal::HUP));
        assert_eq!(signal_named("15"), Some(Signal::TERM));
        for wrong in ["0", "65", "-1", "", "HUB", "1e1"] {
            assert_eq!(signal_named(wrong), None, "{wrong}");
        }
    }
}
