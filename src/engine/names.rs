//! Who there is: what is asked before anything is done.

use super::Engine;
use crate::model::instance::InstanceId;
use crate::model::procfile::ProcessType;
use crate::model::request::Refusal;
use crate::model::selector;
use crate::model::snapshot::TypeStatus;

impl Engine {
    /// The names of the instances that these names mean.
    pub(super) fn select(&self, names: &[String]) -> Result<Vec<String>, Refusal> {
        let there: Vec<InstanceId> = self.supervisor.instances().collect();
        let selected = selector::select(names, &there, &self.plan.types)?;
        Ok(selected.into_iter().map(|id| self.plan.name(id)).collect())
    }

    /// The process types.
    pub(super) fn types(&self) -> Vec<TypeStatus> {
        let status = |(process, each): (usize, &ProcessType)| {
            let of_type = self.supervisor.instances().filter(move |id| id.process == process);
            TypeStatus {
                name: each.name.clone(),
                command: each.command.text().to_owned(),
                instances: of_type.map(|id| self.plan.name(id)).collect(),
            }
        };
        self.plan.types.iter().enumerate().map(status).collect()
    }
}
