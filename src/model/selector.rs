//! Which instances are meant: `web.1`, all of `web`, `worker.*`, `*`.

use super::instance::InstanceId;
use super::procfile::{ProcessType, unknown_type};
use super::request::{Refusal, RefusalKind};

/// The instances among `there` that these names mean, each once and in order; an unknown name is refused with a suggestion.
///
/// A name is a process type, or an instance as `TYPE.N`; `*` stands for any characters, in either part.
pub fn select(
    names: &[String],
    there: &[InstanceId],
    types: &[ProcessType],
) -> Result<Vec<InstanceId>, Refusal> {
    let mut selected = Vec::new();
    for name in names {
        let before = selected.len();
        selected.extend(there.iter().copied().filter(|id| is_meant(name, *id, types)));
        if selected.len() == before {
            return Err(unknown(name, there, types));
        }
    }
    selected.sort_unstable();
    selected.dedup();
    Ok(selected)
}

/// Whether a name means an instance.
#[must_use]
pub fn is_meant(name: &str, id: InstanceId, types: &[ProcessType]) -> bool {
    types.get(id.process).is_some_and(|each| means(name, &each.name, id.number.into()))
}

/// Whether a name means the instance of this process type with this number.
#[must_use]
pub fn means(name: &str, process_type: &str, number: u32) -> bool {
    match name.rsplit_once('.') {
        Some((of, wanted)) => matches(of, process_type) && matches(wanted, &number.to_string()),
        None => matches(name, process_type),
    }
}

/// Whether a pattern, in which `*` stands for any characters, is the whole of a text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    // Where the rest may begin: bounded by the length of a name, 63 bytes.
    text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| matches(rest, &text[at..]))
}

/// Why a name means nobody, and who may have been meant.
fn unknown(name: &str, there: &[InstanceId], types: &[ProcessType]) -> Refusal {
    let kind = RefusalKind::Unknown;
    let (of, number) = name.rsplit_once('.').map_or((name, None), |(of, number)| (of, Some(number)));
    let known = types.iter().position(|each| each.name == of);
    let Some(process) = known.filter(|_| !name.contains('*')) else {
        if name.contains('*') {
            let message = format!("`{name}` means no instance of this run");
            return Refusal { kind, message, hint: None };
        }
        // Only what ends with a number is an instance; of anything else all is said that was asked.
        let is_instance = number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        let (message, hint) = unknown_type(if is_instance { of } else { name }, types);
        return Refusal { kind, message, hint };
    };
    let of_type = there.iter().filter(|id| id.process == process);
    let names: Vec<String> = of_type.map(|id| format!("{of}.{}", id.number)).collect();
    let hint = Some(format!("`proc scale {of}=N` starts more of it"));
    let message = match (number, names.is_empty()) {
        (_, true) => format!("there is no instance of `{of}` in this run"),
        (Some(number), false) => format!("there is no `{of}.{number}`; there are {}", names.join(", ")),
        (None, false) => format!("`{name}` means no instance of this run"),
    };
    Refusal { kind, message, hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::procfile;

    fn selected(names: &[&str]) -> Result<Vec<String>, Refusal> {
        let types = procfile::parse(b"web: a\nworker: b\nworker-low: c\n").types;
        let id = |process, number| InstanceId { process, number };
        let there = [id(0, 1), id(1, 1), id(1, 2), id(1, 12)];
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let selected = select(&names, &there, &types)?;
        Ok(selected.iter().map(|id| format!("{}.{}", types[id.process].name, id.number)).collect())
    }

    #[test]
    fn a_type_an_instance_and_a_pattern_mean_instances_each_once_and_in_order() {
        assert_eq!(selected(&["web"]).unwrap(), ["web.1"]);
        assert_eq!(selected(&["worker.2", "worker.1", "worker.2"]).unwrap(), ["worker.1", "worker.2"]);
        assert_eq!(selected(&["worker.*"]).unwrap(), ["worker.1", "worker.2", "worker.12"]);
        assert_eq!(selected(&["worker.1*"]).unwrap(), ["worker.1", "worker.12"]);
        assert_eq!(selected(&["*"]).unwrap().len(), 4);
        assert_eq!(selected(&["w*b", "*.12"]).unwrap(), ["web.1", "worker.12"]);
        assert!(selected(&[]).unwrap().is_empty());
    }

    #[test]
    fn who_is_not_there_is_refused_with_a_suggestion() {
        let refused = |name| selected(&[name]).unwrap_err();
        assert_eq!(refused("wbe").hint.as_deref(), Some("did you mean `web`?"));
        assert_eq!(
            refused("worker.3").message,
            "there is no `worker.3`; there are worker.1, worker.2, worker.12"
        );
        assert_eq!(refused("worker-low").message, "there is no instance of `worker-low` in this run");
        assert_eq!(refused("x*").message, "`x*` means no instance of this run");
        assert!(refused("../../etc").message.starts_with("no process type `../../etc`;"));
        assert!(refused("wbe.1").message.starts_with("no process type `wbe`;"));
        assert_eq!(refused("web.").kind, RefusalKind::Unknown);
        assert_eq!(refused("").kind, RefusalKind::Unknown);
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_read_without_a_panic(name in "[a-z*.ü]{0,30}") {
            let _ = selected(&[&name]);
        }
    }
}
