//! How many of each process type: `web=2 worker`, `all=1,web=2`.

use super::diagnostic::printable;
use super::procfile::{ProcessType, unknown_type};
use std::collections::BTreeMap;

/// The most copies of one process type; more is a slip of the keyboard rather than a wish.
pub(super) const MOST: u16 = 10_000;

/// How many copies of each process type are started, in Procfile order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Formation {
    /// One count for each process type of the Procfile.
    pub counts: Vec<u16>,
    /// The one-offs that were left out because nobody named them, as indices.
    pub left_out: Vec<usize>,
    /// The types that were left out by name, as indices: what others need of them is elsewhere.
    pub unwanted: Vec<usize>,
}

/// What `proc.toml` says of the number of a process type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// How many there are where the command line does not say (`scale`).
    pub scale: Option<u16>,
    /// Whether it has profiles and none of them is on: it starts only when it is named.
    pub is_asleep: bool,
}

impl Share {
    /// How many it takes for one to be there.
    #[must_use]
    pub fn at_least_one(self) -> u16 {
        self.scale.filter(|scale| *scale > 0).unwrap_or(1)
    }
}

/// What can be wrong with a formation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormationError {
    /// A name that the Procfile does not have.
    #[error("{message}")]
    UnknownType {
        /// The words, which list the types there are.
        message: String,
        /// What was likely meant.
        hint: Option<String>,
    },
    /// An entry that is not `TYPE` or `TYPE=N`.
    #[error(
        "`{entry}` is not a formation: write TYPE=N, with N a whole number from 0 to {MOST}; types are {types}"
    )]
    BadEntry {
        /// The entry, made printable.
        entry: String,
        /// The types there are.
        types: String,
    },
    /// A type that is named twice.
    #[error("`{0}` is named twice")]
    Twice(String),
    /// A range that is none, or of what has none.
    #[error("`{0}` is not a range: write TYPE=N..M, with 1 <= N <= M <= {MOST}")]
    BadRange(String),
    /// Every count is zero.
    #[error("nothing to start: every process type has a count of 0")]
    Nothing,
    /// Nothing is named, and the Procfile has one-offs only.
    #[error("nothing to start but one-offs ({0}), which start only when they are named")]
    OnlyOneOffs(String),
}

/// What the command line says of the formation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// `TYPE[=N]…` of `proc start`: these and nothing else.
    pub named: &'a [String],
    /// The lists of `-m`: `all=1,web=2`.
    pub lists: &'a [String],
    /// The types to leave out (`-x`).
    pub except: &'a [String],
    /// What `proc.toml` says of each process type; those beyond its end have the defaults.
    pub shares: &'a [Share],
}

impl Wanted<'_> {
    fn share(&self, index: usize) -> Share {
        self.shares.get(index).copied().unwrap_or_default()
    }
}

/// Reads what is wanted against the types there are; all errors, not the first.
///
/// A number of the command line beats `scale`; a name without one says which, not how many.
pub fn resolve(wanted: Wanted<'_>, types: &[ProcessType]) -> Result<Formation, Vec<FormationError>> {
    let counts = vec![None; types.len()];
    let mut reader = Reader { wanted, types, counts, all: None, errors: Vec::new() };
    for entry in wanted.named.iter().flat_map(|named| named.split(',')) {
        reader.entry(entry, true);
    }
    for entry in wanted.lists.iter().flat_map(|list| list.split(',')) {
        reader.entry(entry, false);
    }
    let except: Vec<usize> = wanted.except.iter().filter_map(|name| reader.position(name.trim())).collect();
    for index in except {
        reader.counts[index] = Some(0);
    }
    let formation = reader.formation();
    let mut errors = reader.errors;
    if errors.is_empty() && formation.counts.iter().all(|count| *count == 0) {
        let names: Vec<&str> = formation.left_out.iter().map(|index| types[*index].name.as_str()).collect();
        errors.push(if names.is_empty() {
            FormationError::Nothing
        } else {
            FormationError::OnlyOneOffs(names.join(", "))
        });
    }
    if errors.is_empty() { Ok(formation) } else { Err(errors) }
}

/// Takes the ranges out of lists of a formation: `web=2..10` becomes `web=2`, and 10 the most that there may be of `web`.
pub fn ranges(lists: &[String]) -> Result<(Vec<String>, BTreeMap<String, u16>), FormationError> {
    let mut most = BTreeMap::new();
    let mut fixed = Vec::new();
    for entry in lists.iter().flat_map(|list| list.split(',')) {
        let Some((start, end)) = entry.split_once("..") else {
            fixed.push(entry.to_owned());
            continue;
        };
        let range = start.split_once('=').and_then(|(name, least)| {
            let (least, end) = (whole_number(least.trim())?, whole_number(end.trim())?);
            let name = name.trim();
            (least >= 1 && least <= end && !matches!(name, "all" | "*")).then_some((name, end))
        });
        let (name, end) = range.ok_or_else(|| FormationError::BadRange(printable(entry.trim())))?;
        most.insert(name.to_owned(), end);
        fixed.push(start.to_owned());
    }
    Ok((fixed, most))
}

/// A formation half read.
struct Reader<'a> {
    wanted: Wanted<'a>,
    types: &'a [ProcessType],
    counts: Vec<Option<u16>>,
    /// The number for those that are not named (`all=N`).
    all: Option<u16>,
    errors: Vec<FormationError>,
}

impl Reader<'_> {
    /// What comes of all entries.
    fn formation(&self) -> Formation {
        let mut formation = Formation::default();
        for (index, named) in self.counts.iter().enumerate() {
            let scale = self.wanted.share(index).scale;
            let count = named.unwrap_or_else(|| self.unnamed(index));
            if count == 0 && (*named == Some(0) || scale == Some(0)) {
                formation.unwanted.push(index);
            } else if count == 0 && named.is_none() && self.is_left_out(index) {
                formation.left_out.push(index);
            }
            formation.counts.push(count);
        }
        formation
    }

    /// How many there are of a type that nobody has named.
    fn unnamed(&self, index: usize) -> u16 {
        let (share, is_one_off) = (self.wanted.share(index), self.types[index].is_one_off());
        let is_listed = !self.wanted.named.is_empty() || !self.wanted.lists.is_empty();
        match (self.all, share.scale) {
            _ if share.is_asleep => 0,
            (Some(all), _) if !is_one_off => all,
            (None, Some(scale)) if !is_listed => scale,
            (Some(_) | None, Some(_) | None) => u16::from(!is_listed && !is_one_off),
        }
    }

    /// Whether a type would be started if it were no one-off.
    fn is_left_out(&self, index: usize) -> bool {
        let is_listed = !self.wanted.named.is_empty() || !self.wanted.lists.is_empty();
        let count = self.all.unwrap_or(u16::from(!is_listed));
        count > 0 && self.types[index].is_one_off() && !self.wanted.share(index).is_asleep
    }

    /// Takes up `TYPE=N`, or `TYPE` where that `may_be_bare`.
    fn entry(&mut self, entry: &str, may_be_bare: bool) {
        let (name, count) = match entry.split_once('=') {
            Some((name, count)) => (name.trim(), whole_number(count.trim())),
            None => (entry.trim(), may_be_bare.then_some(1)),
        };
        let Some(mut count) = count.filter(|_| !name.is_empty()) else {
            let types = self.types.iter().map(|each| each.name.as_str()).collect::<Vec<_>>().join(", ");
            return self.errors.push(FormationError::BadEntry { entry: printable(entry.trim()), types });
        };
        let is_everything = matches!(name, "all" | "*") && !self.types.iter().any(|each| each.name == name);
        let slot = if is_everything {
            &mut self.all
        } else {
            let Some(index) = self.position(name) else { return };
            if !entry.contains('=') {
                count = self.wanted.share(index).at_least_one();
            }
            &mut self.counts[index]
        };
        if slot.replace(count).is_some() {
            self.errors.push(FormationError::Twice(name.to_owned()));
        }
    }

    /// The index of the type with this name; an error is noted where there is none.
    fn position(&mut self, name: &str) -> Option<usize> {
        let position = self.types.iter().position(|each| each.name == name);
        if position.is_none() {
            let (message, near) = unknown_type(name, self.types);
            let hint = self.instance_hint(name).or(near);
            self.errors.push(FormationError::UnknownType { message, hint });
        }
        position
    }

    /// What to write if this is no type, but one instance of one.
    fn instance_hint(&self, name: &str) -> Option<String> {
        let (of, number) = name.rsplit_once('.')?;
        let is_instance = whole_number(number).is_some() && self.types.iter().any(|each| each.name == of);
        is_instance.then(|| {
            format!(
                "one instance can be started in a run that is there; a run begins with `{of}` or `{of}=N`"
            )
        })
    }
}

/// A count: decimal digits only, no sign, at most [`MOST`].
fn whole_number(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|count| digits && *count <= MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::procfile;

    const PROCFILE: &[u8] = b"release: r\nweb: w\nworker: k\nmigrate: m\n";

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|each| (*each).to_owned()).collect()
    }

    fn read(named: &[&str], lists: &[&str], except: &[&str]) -> Result<Formation, Vec<FormationError>> {
        let (named, lists, except) = (strings(named), strings(lists), strings(except));
        resolve(
            Wanted { named: &named, lists: &lists, except: &except, shares: &[] },
            &procfile::parse(PROCFILE).types,
        )
    }

    fn counts(named: &[&str], lists: &[&str], except: &[&str]) -> Vec<u16> {
        read(named, lists, except).unwrap().counts
    }

    #[test]
    fn one_of_each_but_the_one_offs_is_the_default() {
        assert_eq!(
            read(&[], &[], &[]),
            Ok(Formation { counts: vec![0, 1, 1, 0], left_out: vec![0, 3], unwanted: vec![] })
        );
    }

    #[test]
    fn the_named_are_started_and_nothing_else() {
        assert_eq!(counts(&["web=2", "worker"], &[], &[]), [0, 2, 1, 0]);
        assert_eq!(counts(&["web"], &[], &[]), [0, 1, 0, 0]);
        assert_eq!(
            read(&["migrate", "web"], &[], &[]),
            Ok(Formation { counts: vec![0, 1, 0, 1], ..Formation::default() })
        );
    }

    #[test]
    fn a_list_without_all_leaves_the_rest_out_and_all_sets_the_default() {
        assert_eq!(counts(&[], &["web=2"], &[]), [0, 2, 0, 0]);
        assert_eq!(counts(&[], &["all=1,web=2"], &[]), [0, 2, 1, 0]);
        assert_eq!(counts(&[], &["*=3, worker = 0 "], &[]), [0, 3, 0, 0]);
        assert_eq!(counts(&[], &["web=2", "worker=1"], &[]), [0, 2, 1, 0]);
        assert_eq!(counts(&[], &["all=2,migrate=1"], &[]), [0, 2, 2, 1]);
        assert_eq!(read(&[], &["all=1,release=0"], &[]).unwrap().left_out, [3]);
    }

    #[test]
    fn what_is_excepted_is_left_out() {
        assert_eq!(counts(&[], &[], &["worker"]), [0, 1, 0, 0]);
        assert_eq!(counts(&["web", "worker=2"], &[], &["worker"]), [0, 1, 0, 0]);
        assert_eq!(read(&[], &[], &["release"]).unwrap().left_out, [3]);
    }

    #[test]
    fn a_scale_is_the_number_where_the_command_line_does_not_say_one() {
        let scale = |scale| Share { scale: Some(scale), is_asleep: false };
        let shares = [Share::default(), scale(2), scale(0), scale(1)];
        let read = |named: &[&str], lists: &[&str]| {
            let (named, lists) = (strings(named), strings(lists));
            let wanted = Wanted { named: &named, lists: &lists, except: &[], shares: &shares };
            resolve(wanted, &procfile::parse(PROCFILE).types).unwrap()
        };
        let formation = read(&[], &[]);
        assert_eq!(formation, Formation { counts: vec![0, 2, 0, 1], left_out: vec![0], unwanted: vec![2] });
        assert_eq!(read(&["web", "worker"], &[]).counts, [0, 2, 1, 0]);
        assert_eq!(read(&["web=1"], &[]).counts, [0, 1, 0, 0]);
        assert_eq!(read(&[], &["all=3,worker=0"]).counts, [0, 3, 0, 0]);
    }

    #[test]
    fn who_is_asleep_starts_only_when_named() {
        let asleep = Share { scale: Some(2), is_asleep: true };
        let shares = [Share::default(), asleep];
        let read = |named: &[&str], lists: &[&str]| {
            let (named, lists) = (strings(named), strings(lists));
            let wanted = Wanted { named: &named, lists: &lists, except: &[], shares: &shares };
            resolve(wanted, &procfile::parse(PROCFILE).types).unwrap().counts
        };
        assert_eq!(read(&[], &[]), [0, 0, 1, 0]);
        assert_eq!(read(&[], &["all=1"]), [0, 0, 1, 0]);
        assert_eq!(read(&["web"], &[]), [0, 2, 0, 0]);
        assert_eq!(read(&[], &["web=1"]), [0, 1, 0, 0]);
    }

    #[test]
    fn who_is_left_out_by_name_is_known() {
        assert_eq!(
            read(&[], &["all=1,worker=0"], &["web"]),
            Err(vec![FormationError::OnlyOneOffs("release, migrate".into())])
        );
        assert_eq!(read(&[], &["all=1,worker=0"], &[]).unwrap().unwanted, [2]);
        assert!(read(&["web"], &[], &[]).unwrap().unwanted.is_empty());
    }

    #[test]
    fn what_is_no_formation_is_an_error_that_names_the_types() {
        for entry in
            ["web=x", "web=", "=1", "", "web=-1", "web=1.5", "web==2", "web=+1", "web=10001", "web", " "]
        {
            let expected = FormationError::BadEntry {
                entry: entry.trim().into(),
                types: "release, web, worker, migrate".into(),
            };
            assert_eq!(read(&[], &[entry], &[]), Err(vec![expected]), "{entry:?}");
        }
        assert!(matches!(read(&["web=x"], &[], &[]).unwrap_err()[..], [FormationError::BadEntry { .. }]));
    }

    #[test]
    fn unknown_names_are_all_reported_with_a_suggestion() {
        let errors = read(&["wbe", "redis=2"], &[], &["wroker"]).unwrap_err();
        let hints: Vec<Option<&str>> = errors
            .iter()
            .map(|error| {
                let FormationError::UnknownType { hint, .. } = error else { panic!("{error}") };
                hint.as_deref()
            })
            .collect();
        assert_eq!(hints, [Some("did you mean `web`?"), None, Some("did you mean `worker`?")]);
        assert_eq!(errors[1].to_string(), "no process type `redis`; there are release, web, worker, migrate");
    }

    #[test]
    fn a_range_is_its_least_and_the_most_there_may_be() {
        let (fixed, most) = ranges(&strings(&["all=1,web=2..10", "worker=3"])).unwrap();
        assert_eq!(fixed, ["all=1", "web=2", "worker=3"]);
        assert_eq!(most, BTreeMap::from([("web".to_owned(), 10)]));
        for entry in
            ["web=0..2", "web=3..2", "web=1..", "web=..2", "web=a..b", "1..2", "all=1..2", "web=1..10001"]
        {
            assert_eq!(ranges(&strings(&[entry])), Err(FormationError::BadRange(entry.into())), "{entry}");
        }
    }

    #[test]
    fn a_type_named_twice_is_an_error() {
        assert_eq!(read(&["web", "web=2"], &[], &[]), Err(vec![FormationError::Twice("web".into())]));
    }

    #[test]
    fn nothing_to_start_is_an_error() {
        assert_eq!(read(&["web=0"], &[], &[]), Err(vec![FormationError::Nothing]));
        let only = FormationError::OnlyOneOffs("release, migrate".into());
        assert_eq!(read(&[], &[], &["web", "worker"]), Err(vec![only]));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(?s).{0,20}|([a-z]{1,6}=?[0-9]{0,6},?){0,4}") {
            let _ = read(&[&text], &[&text], &[&text]);
        }
    }
}
