//! How many instances there are to be from now on: `web=4 worker+1 clock-1`.

use super::formation::{Formation, MOST};
use super::instance::InstanceId;
use super::plan::Plan;
use super::port;
use super::procfile::{ProcessType, unknown_type};
use super::request::{Refusal, RefusalKind};
use std::collections::BTreeMap;

impl Plan {
    /// How many instances of each process type there are, in the order of the Procfile.
    #[must_use]
    pub fn formation(&self) -> Vec<(String, u16)> {
        let there = self.types.iter().enumerate().filter(|(index, _)| !self.gone.contains(index));
        there.map(|(index, each)| (each.name.clone(), self.count(index))).collect()
    }

    /// How many instances of a process type there are.
    #[must_use]
    pub fn count(&self, process: usize) -> u16 {
        let id = |number| InstanceId { process, number };
        u16::try_from(self.instances.range(id(0)..=id(u16::MAX)).count()).unwrap_or(u16::MAX)
    }

    /// How many of each type there are to be after these changes (`TYPE=N`, `TYPE+N`, `TYPE-N`), by index: those only that are named.
    pub fn scale(&self, changes: &[String]) -> Result<BTreeMap<usize, u16>, Refusal> {
        let mut counts = BTreeMap::new();
        let words =
            changes.iter().flat_map(|change| change.split([',', ' '])).filter(|each| !each.is_empty());
        let mut words = words.peekable();
        while let Some(change) = words.next() {
            let (process, count) = self.change(change, words.peek().copied())?;
            if counts.insert(process, count).is_some() {
                let name = self.types.get(process).map_or("?", |each| &each.name);
                return Err(invalid(format!("`{name}` is named twice"), None));
            }
        }
        Ok(counts)
    }

    /// One change; what follows it may be its count, written apart.
    fn change(&self, change: &str, next: Option<&str>) -> Result<(usize, u16), Refusal> {
        let at = change.rfind(['=', '+', '-']).filter(|at| *at > 0);
        let number = at.and_then(|at| whole_number(&change[at + 1..]));
        let (Some(at), Some(number)) = (at, number) else {
            let hint = match next.filter(|next| at.is_none() && whole_number(next).is_some()) {
                Some(next) => format!("write `{change}={next}`"),
                None => format!("write TYPE=N, TYPE+N or TYPE-N, with N a whole number up to {MOST}"),
            };
            return Err(invalid(format!("`{change}` does not say how many"), Some(hint)));
        };
        let name = &change[..at];
        if let Some(name) = name.strip_suffix('=') {
            let hint = format!("write `{name}{}`", &change[at..]);
            return Err(invalid(format!("`{change}` sets and changes at once"), Some(hint)));
        }
        let process = self.types.iter().position(|each| each.name == name);
        let Some(process) = process.filter(|index| !self.gone.contains(index)) else {
            let there = self.types.iter().enumerate().filter(|(index, _)| !self.gone.contains(index));
            let there: Vec<ProcessType> = there.map(|(_, each)| each.clone()).collect();
            let (message, hint) = unknown_type(name, &there);
            return Err(Refusal { kind: RefusalKind::Unknown, message, hint });
        };
        let there = self.count(process);
        let count = match &change[at..=at] {
            "+" => there.checked_add(number),
            "-" => there.checked_sub(number),
            _ => Some(number),
        };
        let count = count.filter(|count| *count <= MOST).ok_or_else(|| {
            invalid(format!("`{change}`: there are {there}, and there can be 0 to {MOST}"), None)
        })?;
        Ok((process, count))
    }

    /// The same plan with these counts.
    pub fn scaled(&self, counts: &BTreeMap<usize, u16>) -> Result<Self, Refusal> {
        let count = |process: usize| counts.get(&process).copied().unwrap_or_else(|| self.count(process));
        let counts: Vec<u16> = (0..self.types.len()).map(count).collect();
        let left_out: Vec<usize> =
            self.left_out.iter().copied().filter(|index| counts.get(*index) == Some(&0)).collect();
        let formation = Formation { counts, left_out: left_out.clone(), unwanted: Vec::new() };
        let instances = match self.base_port {
            None => instances(&formation.counts).map(|id| (id, None)).collect(),
            Some(base) => {
                let ports = port::assign(base, &self.types, &self.settings, &formation);
                let ports = ports.map_err(|errors| {
                    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
                    Refusal { kind: RefusalKind::Conflict, message: texts.join("; "), hint: None }
                })?;
                ports.into_iter().map(|(id, port)| (id, Some(port))).collect()
            }
        };
        Ok(Self { instances, left_out, ..self.clone() })
    }
}

fn instances(counts: &[u16]) -> impl Iterator<Item = InstanceId> {
    let of = |(process, count): (usize, &u16)| (1..=*count).map(move |number| InstanceId { process, number });
    counts.iter().enumerate().flat_map(of)
}

fn invalid(message: String, hint: Option<String>) -> Refusal {
    Refusal { kind: RefusalKind::Invalid, message, hint }
}

fn whole_number(text: &str) -> Option<u16> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::procfile;

    fn plan() -> Plan {
        let id = |process, number| (InstanceId { process, number }, None);
        Plan {
            types: procfile::parse(b"web: a\nside-kiq: b\nweb-2: c\n").types,
            instances: [id(0, 1), id(0, 2), id(1, 1)].into(),
            base_port: Some(5000),
            ..Plan::default()
        }
    }

    fn scaled(changes: &[&str]) -> Result<Vec<u16>, String> {
        let changes: Vec<String> = changes.iter().map(|each| (*each).to_owned()).collect();
        let plan = plan();
        let counts = plan.scale(&changes).map_err(|refusal| refusal.message)?;
        let plan = plan.scaled(&counts).map_err(|refusal| refusal.message)?;
        Ok(plan.formation().into_iter().map(|(_, count)| count).collect())
    }

    #[test]
    fn a_count_is_set_or_changed_and_the_others_stay() {
        assert_eq!(scaled(&[]), Ok(vec![2, 1, 0]));
        assert_eq!(scaled(&["web=4", "side-kiq+1"]), Ok(vec![4, 2, 0]));
        assert_eq!(scaled(&["web-1,side-kiq-1"]), Ok(vec![1, 0, 0]));
        assert_eq!(scaled(&["web-2=3"]), Ok(vec![2, 1, 3]));
        assert_eq!(scaled(&["web-2+1 web=0"]), Ok(vec![0, 1, 1]));
    }

    #[test]
    fn who_is_new_gets_the_next_port_and_the_others_keep_theirs() {
        let plan = plan();
        let plan = plan.scaled(&plan.scale(&["web+1".into()]).unwrap()).unwrap();
        let ports: Vec<u16> = plan.instances.values().flatten().copied().collect();
        assert_eq!(ports, [5000, 5001, 5002, 5100]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_says_what_would() {
        for change in ["web", "=1", "web=", "web=x", "web=-1", "web=1.5", "-1", "+", "web=70000"] {
            assert!(scaled(&[change]).is_err(), "{change}");
        }
        assert_eq!(scaled(&["web-3"]).unwrap_err(), "`web-3`: there are 2, and there can be 0 to 10000");
        assert_eq!(scaled(&["web=1", "web=2"]).unwrap_err(), "`web` is named twice");
        assert!(scaled(&["wbe=1"]).unwrap_err().starts_with("no process type `wbe`"));
        assert!(
            scaled(&["web=200"]).unwrap_err().contains("would both get port") || scaled(&["web=200"]).is_ok()
        );
    }

    #[test]
    fn a_count_that_is_written_in_another_way_is_shown_as_it_is_to_be() {
        let hint = |changes: &[&str]| {
            let changes: Vec<String> = changes.iter().map(|each| (*each).to_owned()).collect();
            plan().scale(&changes).unwrap_err().hint.unwrap()
        };
        assert_eq!(hint(&["web", "3"]), "write `web=3`");
        assert_eq!(hint(&["web=+1"]), "write `web+1`");
        assert_eq!(hint(&["web=-1"]), "write `web-1`");
        assert!(hint(&["web", "side-kiq=3"]).starts_with("write TYPE=N"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(?s).{0,20}|([a-z-]{1,6}[=+-]?[0-9]{0,6},?){0,4}") {
            let _ = scaled(&[&text]);
        }
    }
}
