//! Which PORT each instance gets: foreman's numbering, with its collisions made errors.

use super::formation::Formation;
use super::instance::InstanceId;
use super::procfile::ProcessType;
use super::settings::Settings;
use std::collections::BTreeMap;

/// The base where nobody says otherwise (foreman's).
pub const DEFAULT_BASE: u16 = 5000;

/// From the first port of one type to that of the next.
const STEP: usize = 100;

/// What can be wrong with the ports of a formation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// A port that does not exist.
    #[error("{instance} would get port {port}; the highest is 65535")]
    TooHigh {
        /// The instance, as `web.1`.
        instance: String,
        /// The number it would get.
        port: usize,
    },
    /// One port for two instances.
    #[error("{first} and {second} would both get port {port}")]
    Taken {
        /// The port.
        port: u16,
        /// The instance that has it.
        first: String,
        /// The instance that would have it too.
        second: String,
    },
}

/// The port of the `number`th instance (from 1) of the type at `index`, if there is such a port.
///
/// A type that has a port of its own (`port` in `proc.toml`) has those that follow it.
#[must_use]
pub fn of(base: u16, settings: &[Settings], index: usize, number: u16) -> Option<u16> {
    u16::try_from(unbounded(base, settings, index, number)).ok()
}

fn unbounded(base: u16, settings: &[Settings], index: usize, number: u16) -> usize {
    let own = settings.get(index).and_then(|each| each.port);
    own.map_or(usize::from(base) + STEP * index, usize::from) + usize::from(number.max(1)) - 1
}

/// The ports of all instances that are started, or everything that is wrong with them (one error for each type).
///
/// A type keeps its hundred whether it is started or not: the same Procfile gives the same ports.
pub fn assign(
    base: u16,
    types: &[ProcessType],
    settings: &[Settings],
    formation: &Formation,
) -> Result<BTreeMap<InstanceId, u16>, Vec<PortError>> {
    let mut ports = BTreeMap::new();
    let mut holders: BTreeMap<u16, String> = BTreeMap::new();
    let mut errors = Vec::new();
    for (process, (each, count)) in types.iter().zip(&formation.counts).enumerate() {
        for number in 1..=*count {
            let instance = format!("{}.{number}", each.name);
            let Some(port) = of(base, settings, process, number) else {
                errors
                    .push(PortError::TooHigh { instance, port: unbounded(base, settings, process, number) });
                break;
            };
            if let Some(first) = holders.get(&port) {
                errors.push(PortError::Taken { port, first: first.clone(), second: instance });
                break;
            }
            holders.insert(port, instance);
            ports.insert(InstanceId { process, number }, port);
        }
    }
    if errors.is_empty() { Ok(ports) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::procfile;

    fn read(base: u16, counts: &[u16]) -> Result<Vec<u16>, Vec<PortError>> {
        read_with(base, &[], counts)
    }

    fn read_with(base: u16, settings: &[Settings], counts: &[u16]) -> Result<Vec<u16>, Vec<PortError>> {
        let types = procfile::parse(b"web: a\nworker: b\nclock: c\n").types;
        let formation = Formation { counts: counts.to_vec(), ..Formation::default() };
        assign(base, &types, settings, &formation).map(|ports| ports.into_values().collect())
    }

    #[test]
    fn each_type_has_a_hundred_and_each_instance_one() {
        assert_eq!(read(5000, &[2, 1, 1]), Ok(vec![5000, 5001, 5100, 5200]));
        assert_eq!(read(3000, &[0, 0, 2]), Ok(vec![3200, 3201]));
        assert_eq!(read(5000, &[100, 1, 0]).unwrap().last(), Some(&5100));
    }

    #[test]
    fn a_type_of_more_than_a_hundred_reaches_only_a_next_one_that_is_started() {
        let taken = PortError::Taken { port: 5100, first: "web.101".into(), second: "worker.1".into() };
        assert_eq!(read(5000, &[101, 1, 0]), Err(vec![taken]));
        assert_eq!(read(5000, &[101, 0, 0]).unwrap().len(), 101);
    }

    #[test]
    fn a_type_with_a_port_of_its_own_counts_from_there_and_may_collide() {
        let own = |port| Settings { port: Some(port), ..Settings::default() };
        let settings = [Settings::default(), own(6379), Settings::default()];
        assert_eq!(read_with(5000, &settings, &[1, 2, 1]), Ok(vec![5000, 6379, 6380, 5200]));
        let taken = PortError::Taken { port: 5001, first: "web.2".into(), second: "worker.1".into() };
        assert_eq!(read_with(5000, &[Settings::default(), own(5001)], &[2, 1, 0]), Err(vec![taken]));
    }

    #[test]
    fn a_port_above_the_highest_is_an_error_for_each_type() {
        let too_high = |instance: &str, port| PortError::TooHigh { instance: instance.into(), port };
        assert_eq!(
            read(65_500, &[1, 1, 1]),
            Err(vec![too_high("worker.1", 65_600), too_high("clock.1", 65_700)])
        );
        assert_eq!(read(65_535, &[2, 0, 0]), Err(vec![too_high("web.2", 65_536)]));
        assert_eq!(of(65_500, &[], 1, 1), None);
    }

    #[test]
    fn the_words_name_instance_and_port() {
        let message = read(65_500, &[0, 1, 0]).unwrap_err()[0].to_string();
        assert_eq!(message, "worker.1 would get port 65600; the highest is 65535");
    }
}
