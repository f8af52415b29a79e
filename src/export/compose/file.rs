//! A Compose file, as types: what they have no field for cannot be written. The fields are in the order in which people write them.

use super::text::Text;
use crate::export::yaml::SpaceAfter;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// A map in an order of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ordered<T>(pub(super) Vec<(String, T)>);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// Writes values with an empty line between them.
fn apart<T: Serialize, S: Serializer>(values: &Ordered<T>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(values.0.iter().map(|(key, value)| (key, SpaceAfter(value))))
}

/// The whole file.
#[derive(Serialize)]
pub(super) struct Project {
    pub(super) name: String,
    #[serde(serialize_with = "apart")]
    pub(super) services: Ordered<Service>,
}

/// A service: a process type.
#[derive(Serialize)]
pub(super) struct Service {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) profiles: Vec<Text>,
    /// None where it is built: Compose would look for one of that name elsewhere first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) build: Option<Build>,
    pub(super) command: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) init: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scale: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ports: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) expose: Vec<String>,
    pub(super) environment: BTreeMap<String, Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) healthcheck: Option<Healthcheck>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) depends_on: Option<Ordered<DependsOn>>,
    pub(super) restart: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_signal: Option<String>,
    pub(super) stop_grace_period: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) pre_stop: Vec<Hook>,
}

/// How an image is made.
#[derive(Clone, Serialize)]
pub(super) struct Build {
    /// The directory with the Dockerfile, as seen from that of this file.
    pub(super) context: Text,
}

/// What is asked of a container again and again.
#[derive(Serialize)]
pub(super) struct Healthcheck {
    pub(super) test: Vec<Text>,
    pub(super) interval: String,
    pub(super) timeout: String,
    pub(super) retries: u32,
    pub(super) start_period: String,
    pub(super) start_interval: String,
}

/// What must be so of another service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct DependsOn {
    pub(super) condition: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) restart: bool,
    /// False: it is only waited for where it is in the project.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub(super) required: bool,
}

/// A command that is run in a container.
#[derive(Serialize)]
pub(super) struct Hook {
    pub(super) command: Vec<Text>,
}
