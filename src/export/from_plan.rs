//! From the plan to what is exported: everything of it that is not of this machine.

use super::app::{App, Dependency, Instance, Process, Role, Variable};
use super::draft::Draft;
use crate::model::environment::{Environment, GrowthError, Origin};
use crate::model::instance::InstanceId;
use crate::model::plan::{self, Plan};
use crate::model::port;
use crate::model::secret::Secrets;
use crate::model::settings::RestartWhen;
use std::collections::BTreeMap;
use std::ffi::OsStr;

/// What an export has to know beyond the plan.
#[derive(Debug, Clone, Default)]
pub struct Extra {
    /// What the app is called.
    pub name: String,
    /// The profiles of each process type of the plan that was not asked for; empty for all others.
    pub profiles: Vec<Vec<String>>,
    /// The types that were left out by name, as indices.
    pub unwanted: Vec<usize>,
    /// What was said of the restarts of each.
    pub restarts: Vec<Option<RestartWhen>>,
    /// How many there may be of a type, by name.
    pub most: BTreeMap<String, u16>,
    /// Which values are secrets.
    pub secrets: Secrets,
    /// The variables that `.env.example` asks for and nobody sets.
    pub missing: Vec<String>,
}

impl App {
    /// What is left of a plan elsewhere; what does not come along is noted in the draft.
    pub fn of(plan: &Plan, extra: &Extra, draft: &mut Draft) -> Result<Self, GrowthError> {
        let reader = Reader { plan, extra };
        let exported: Vec<(usize, Role)> =
            (0..plan.types.len()).filter_map(|index| Some((index, reader.role(index)?))).collect();
        reader.tell_who_is_left_out(draft);
        let mut processes = Vec::new();
        for (index, role) in &exported {
            processes.push(reader.process(*index, *role, &exported, draft)?);
        }
        let variables = take_what_all_have(&mut processes);
        let ports = plan::variables(&plan.types, &plan.settings, plan.base_port, "", 1, None)
            .into_iter()
            .filter_map(|(name, port)| Some((name, port.parse().ok()?)))
            .filter(|(name, _)| name != "PROC_INSTANCE");
        Ok(Self {
            name: extra.name.clone(),
            root: plan.root.clone(),
            processes,
            variables,
            ports: ports.collect(),
            missing: extra.missing.clone(),
        })
    }
}

/// Takes the variables out of the process types that all of them have with the same value.
fn take_what_all_have(processes: &mut [Process]) -> BTreeMap<String, Variable> {
    let Some((first, others)) = processes.split_first() else { return BTreeMap::new() };
    let mut common = first.variables.clone();
    common.retain(|name, variable| others.iter().all(|each| each.variables.get(name) == Some(variable)));
    for process in processes {
        process.variables.retain(|name, _| !common.contains_key(name));
    }
    common
}

struct Reader<'a> {
    plan: &'a Plan,
    extra: &'a Extra,
}

impl Reader<'_> {
    /// What a type of the plan is to the app; none: it is not in it.
    fn role(&self, index: usize) -> Option<Role> {
        let each = self.plan.types.get(index)?;
        let is_there = self.is_started(index) || self.is_asleep(index);
        let is_wanted = is_there || (each.is_one_off() && !self.extra.unwanted.contains(&index));
        let is_task = self.plan.settings.get(index).is_some_and(|each| each.is_oneshot);
        match each.name.as_str() {
            _ if !is_wanted => None,
            "release" => Some(Role::Release),
            _ if !is_there => Some(Role::OneOff),
            _ => Some(if is_task { Role::Task } else { Role::Service }),
        }
    }

    fn is_started(&self, index: usize) -> bool {
        self.plan.instances.keys().any(|id| id.process == index)
    }

    /// Whether it has profiles, and nobody needs it without one of them.
    fn is_asleep(&self, index: usize) -> bool {
        !self.is_started(index) && self.extra.profiles.get(index).is_some_and(|profiles| !profiles.is_empty())
    }

    /// Notes the types that a list does not name, although nobody has said that they are to be left out.
    fn tell_who_is_left_out(&self, draft: &mut Draft) {
        for (index, each) in self.plan.types.iter().enumerate() {
            if self.role(index).is_none() && !self.extra.unwanted.contains(&index) {
                let advice =
                    format!("name it too, or begin with all=1; {}=0 leaves it out without a word", each.name);
                draft.lose(Some(&each.name), "formation", "-m does not name it", Some(&advice));
            }
        }
    }

    fn process(
        &self,
        index: usize,
        role: Role,
        exported: &[(usize, Role)],
        draft: &mut Draft,
    ) -> Result<Process, GrowthError> {
        let plan = self.plan;
        let each = &plan.types[index];
        let started = plan.instances.keys().filter(|id| id.process == index).map(|id| id.number);
        let numbers: Vec<u16> = match role {
            Role::Service => started.collect(),
            Role::Task | Role::Release | Role::OneOff => {
                self.tell_of_more_than_one(index, started.count(), draft);
                vec![1]
            }
        };
        let numbers = if numbers.is_empty() { vec![1] } else { numbers };
        let mut instances = Vec::new();
        for number in numbers {
            let id = InstanceId { process: index, number };
            let port = self.port(id);
            instances.push(Instance { number, port, variables: self.variables(id, port, draft)? });
        }
        let variables = take_what_instances_share(&mut instances);
        let settings = plan.settings(InstanceId { process: index, number: 1 }).clone();
        let depends_on = settings.depends_on.iter().filter_map(|dependency| {
            let process = exported.iter().position(|(index, _)| *index == dependency.process)?;
            Some(Dependency { process, condition: dependency.condition, restart: dependency.restart })
        });
        Ok(Process {
            name: each.name.clone(),
            command: each.command.clone(),
            role,
            profiles: self
                .extra
                .profiles
                .get(index)
                .filter(|_| self.is_asleep(index))
                .cloned()
                .unwrap_or_default(),
            instances,
            most: self.most(index, role),
            listens: plan.wants_its_port(InstanceId { process: index, number: 1 }),
            variables,
            depends_on: depends_on.collect(),
            restart: self.extra.restarts.get(index).copied().flatten(),
            settings,
        })
    }

    /// How many there may be, where that is more than there are.
    fn most(&self, index: usize, role: Role) -> Option<u16> {
        let least = self.plan.instances.keys().filter(|id| id.process == index).count();
        let most = self.extra.most.get(&self.plan.types.get(index)?.name).copied()?;
        (role == Role::Service && usize::from(most) > least).then_some(most)
    }

    /// What ends runs once.
    fn tell_of_more_than_one(&self, index: usize, count: usize, draft: &mut Draft) {
        let Some(name) = self.plan.types.get(index).map(|each| each.name.as_str()) else { return };
        if count > 1 || self.extra.most.get(name).is_some_and(|most| *most > 1) {
            draft.lose(Some(name), "formation", "a task that ends runs once, not in several copies", None);
        }
    }

    /// The PORT of an instance: that which `-E` gives to everybody, or its own.
    fn port(&self, id: InstanceId) -> Option<u16> {
        let Plan { environment, base_port, settings, .. } = self.plan;
        match environment.set.iter().rev().find(|(name, _)| name == "PORT") {
            Some((_, value)) => value.to_str()?.parse().ok(),
            None => port::of((*base_port)?, settings, id.process, id.number),
        }
    }

    /// What an instance has from env files and `-E`. PORT is none of it: each instance has its own.
    fn variables(
        &self,
        id: InstanceId,
        port: Option<u16>,
        draft: &mut Draft,
    ) -> Result<BTreeMap<String, Variable>, GrowthError> {
        let plan = self.plan;
        let process = plan.types.get(id.process).map_or("?", |each| each.name.as_str());
        let ours = plan::variables(&plan.types, &plan.settings, plan.base_port, process, id.number, port);
        // The files are above what was inherited: that only fills in what they leave to it.
        let here =
            Environment { files_override: true, ..plan.environment.of(plan.settings(id)).into_owned() };
        let elsewhere = Environment { inherited: Vec::new(), ..here.clone() };
        let (here, elsewhere) = (here.resolve(&ours)?, elsewhere.resolve(&ours)?);
        let texts = here.iter().filter_map(|(name, each)| Some((name.to_str()?, each.value.to_str()?)));
        let secrets = self.extra.secrets.values(texts);
        let mut variables = BTreeMap::new();
        for (name, variable) in &here {
            let is_ours = name == OsStr::new("PORT");
            if is_ours || matches!(variable.origin, Origin::Proc | Origin::Inherited) {
                continue;
            }
            let name = name.to_string_lossy().into_owned();
            let Some(value) = variable.value.to_str().map(str::to_owned) else {
                draft.refuse(Some(process), &name, "its value is not UTF-8", None);
                continue;
            };
            let is_of_here =
                elsewhere.get(OsStr::new(&name)).is_none_or(|other| other.value != value.as_str());
            if is_of_here {
                let why = "its value was made with a variable of the environment that this was exported in, and counts as a secret";
                draft.lose(
                    None,
                    &name,
                    why,
                    Some("set it for where the app is going to run: -E NAME=VALUE, or -e FILE"),
                );
            }
            let is_made_of_one = secrets.iter().any(|secret| value.contains(secret));
            let is_secret = is_of_here || is_made_of_one || self.extra.secrets.hold(&name, &value);
            variables.insert(name, Variable { value, is_secret });
        }
        Ok(variables)
    }
}

/// Takes the variables out of the instances that all of them have with the same value.
fn take_what_instances_share(instances: &mut [Instance]) -> BTreeMap<String, Variable> {
    let Some((first, others)) = instances.split_first() else { return BTreeMap::new() };
    let mut common = first.variables.clone();
    common.retain(|name, variable| others.iter().all(|each| each.variables.get(name) == Some(variable)));
    for instance in instances {
        instance.variables.retain(|name, _| !common.contains_key(name));
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::{self, Surround};
    use crate::model::env_file;
    use crate::model::environment::NamedEnvFile;
    use crate::model::procfile;
    use crate::model::settings::Condition;
    use std::path::Path;

    const PROCFILE: &[u8] = b"web: a $PORT\nworker: b\nredis: c\nrelease: d\nmigrate: e\n";

    fn environment(text: &str, inherited: &[(&str, &str)]) -> Environment {
        let file = env_file::parse(text.as_bytes()).unwrap();
        Environment {
            files: vec![NamedEnvFile { name: ".env".into(), file }],
            inherited: inherited.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            ..Environment::default()
        }
    }

    /// Two of web, one worker; redis sleeps, the one-offs are left out.
    fn plan(env: &str, inherited: &[(&str, &str)]) -> Plan {
        let types = procfile::parse(PROCFILE).types;
        let toml = "[process.web]\ndepends_on = { release = \"completed_successfully\" }\n";
        let file = config::parse(toml.as_bytes()).file;
        let surround = Surround { procfile: Some(&types), root: Path::new("/app"), has_ports: true };
        let settings = config::resolve(&file, surround).0.settings;
        let instance = |(process, number): (usize, u16)| {
            let port = 5000 + 100 * u16::try_from(process).unwrap() + number - 1;
            (InstanceId { process, number }, Some(port))
        };
        Plan {
            types,
            settings,
            instances: [(0, 1), (0, 2), (1, 1)].map(instance).into(),
            left_out: vec![3, 4],
            base_port: Some(5000),
            environment: environment(env, inherited),
            root: "/app".into(),
            ..Plan::default()
        }
    }

    fn app(plan: &Plan) -> (App, Draft) {
        let asleep = |index: usize| if index == 2 { vec!["dev".to_owned()] } else { Vec::new() };
        let extra = Extra { profiles: (0..5).map(asleep).collect(), ..Extra::default() };
        let mut draft = Draft::default();
        let app = App::of(plan, &extra, &mut draft).unwrap();
        (app, draft)
    }

    fn values(variables: &BTreeMap<String, Variable>) -> Vec<(&str, &str)> {
        variables.iter().map(|(name, variable)| (name.as_str(), variable.value.as_str())).collect()
    }

    #[test]
    fn each_type_has_its_role_and_its_instances() {
        let (app, _) = app(&plan("", &[]));
        let shown: Vec<_> = app
            .processes
            .iter()
            .map(|each| (each.name.as_str(), each.role, each.count(), each.port()))
            .collect();
        assert_eq!(
            shown,
            [
                ("web", Role::Service, 2, Some(5000)),
                ("worker", Role::Service, 1, Some(5100)),
                ("redis", Role::Service, 1, Some(5200)),
                ("release", Role::Release, 1, Some(5300)),
                ("migrate", Role::OneOff, 1, Some(5400)),
            ]
        );
        assert!(app.processes[2].is_asleep() && !app.processes[0].is_asleep());
        let dependency =
            Dependency { process: 3, condition: Condition::CompletedSuccessfully, restart: false };
        assert_eq!(app.processes[0].depends_on, [dependency]);
        assert_eq!(app.ports["PROC_REDIS_PORT"], 5200);
    }

    #[test]
    fn what_refers_to_the_port_is_the_instances_own() {
        let (app, _) = app(&plan("A=1\nURL=http://h:$PORT/\nPORT=9\nREDIS=r:$PROC_REDIS_PORT\n", &[]));
        assert_eq!(values(&app.variables), [("A", "1"), ("REDIS", "r:5200")]);
        let web = &app.processes[0];
        assert_eq!(values(&web.variables), []);
        assert_eq!(values(&web.instances[1].variables), [("URL", "http://h:5001/")]);
        assert_eq!(values(&app.processes[1].variables), [("URL", "http://h:5100/")]);
    }

    #[test]
    fn what_was_inherited_stays_here_and_what_it_filled_in_is_told() {
        let (app, draft) = app(&plan("A=file\nCACHE=$HOME/cache\n", &[("A", "shell"), ("HOME", "/me")]));
        assert_eq!(values(&app.variables), [("A", "file"), ("CACHE", "/me/cache")]);
        let losses = draft.finish().unwrap().losses;
        assert_eq!(losses.iter().map(|loss| loss.what.as_str()).collect::<Vec<_>>(), ["CACHE"]);
    }

    #[test]
    fn what_looks_like_a_secret_is_one_also_when_it_is_empty() {
        let (app, _) = app(&plan("API_KEY=\nDB=postgres://u:secret@h/d\nNAME=x\n", &[]));
        let secret: Vec<bool> = app.variables.values().map(|variable| variable.is_secret).collect();
        assert_eq!(secret, [true, true, false]);
    }

    #[test]
    fn what_no_process_on_linux_can_be_given_is_refused() {
        let (app, _) = app(&plan(&format!("BIG={}\n", "x".repeat(200 * 1024)), &[]));
        let mut draft = Draft::default();
        app.check(crate::model::policy::Target::Systemd, &crate::export::Brief::default(), &mut draft);
        let refusals = draft.finish().unwrap_err();
        insta::assert_snapshot!(refusals[0], @"BIG: it is larger than 128 KiB: Linux cannot hand it to a process");
    }
}
