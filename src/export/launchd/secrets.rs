//! The secrets of an app as files that a shell reads: those of all, of a process type, of an instance.

use crate::export::{App, Brief, Draft, Instance, Process, Variable, shell};
use std::collections::BTreeMap;

/// Where they are, on the machine that the app runs on.
pub(super) fn directory(app: &App) -> String {
    format!("/usr/local/etc/{}", app.name)
}

/// Whose secrets they are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose<'a> {
    /// Everybody's.
    All(&'a App),
    /// Those of a process type.
    Process(&'a App, &'a Process),
    /// Those of an instance.
    Instance(&'a App, &'a Process, &'a Instance),
}

impl<'a> Whose<'a> {
    fn app(self) -> &'a App {
        match self {
            Self::All(app) | Self::Process(app, _) | Self::Instance(app, ..) => app,
        }
    }

    fn process(self) -> Option<&'a str> {
        match self {
            Self::All(_) => None,
            Self::Process(_, process) | Self::Instance(_, process, _) => Some(&process.name),
        }
    }

    fn variables(self) -> &'a BTreeMap<String, Variable> {
        match self {
            Self::All(app) => &app.variables,
            Self::Process(_, process) => &process.variables,
            Self::Instance(_, _, instance) => &instance.variables,
        }
    }

    /// The secrets that are not known here.
    fn unknown(self) -> impl Iterator<Item = &'a String> {
        let missing = match self {
            Self::All(app) => &app.missing[..],
            Self::Process(..) | Self::Instance(..) => &[],
        };
        missing.iter().filter(|name| shell::is_name(name))
    }

    /// Those that a shell can set.
    fn known(self) -> impl Iterator<Item = (&'a String, &'a Variable)> {
        self.variables().iter().filter(|(name, variable)| variable.is_secret && shell::is_name(name))
    }

    /// No process type has a dot in its name, so none takes the place of another.
    fn file(self) -> String {
        match self {
            Self::All(_) => "secrets.env".to_owned(),
            Self::Process(_, process) => format!("secrets.{}.env", process.name),
            Self::Instance(_, process, instance) => {
                format!("secrets.{}.{}.env", process.name, instance.number)
            }
        }
    }

    /// Where the file is going to be, if there is one.
    pub(super) fn installed(self) -> Option<String> {
        let has_some = self.known().next().is_some() || self.unknown().next().is_some();
        has_some.then(|| format!("{}/{}", directory(self.app()), self.file()))
    }

    /// Writes the file, with values or as an example; and notes what is not in it.
    pub(super) fn write_file(self, brief: &Brief, draft: &mut Draft) {
        for (name, _) in self.variables().iter().filter(|(_, variable)| variable.is_secret) {
            if !shell::is_name(name) {
                let why = "a shell sets no variable of such a name";
                draft.lose(self.process(), name, why, Some("give it a name of letters, digits and `_`"));
            }
        }
        let Some(place) = self.installed() else { return };
        let unknown: String = self.unknown().flat_map(|name| [name.as_str(), "=\n"]).collect();
        let path = format!("{}/{}", self.app().name, self.file());
        if brief.include_secret_values {
            let text = format!("# Made by proc export for {place}; a shell reads it.\n");
            draft.file(path, text + &shell::assignments(self.known()) + &unknown);
        } else {
            let known: String = self.known().flat_map(|(name, _)| [name.as_str(), "=\n"]).collect();
            let head = format!(
                "# Made by proc export for {place}, which wants values:\n# KEY='value', as in a shell.\n"
            );
            draft.file(format!("{path}.example"), head + &known + &unknown);
        }
    }
}
