//! `proc export`: the plan of `proc start` as files for another manager.

mod report;

use super::args::{Options, Source};
use super::error::CliError;
use super::load::{self, App as Loaded, Demand, Surroundings};
use super::plan::{Planned, Planner};
use super::problems::Problems;
use super::ui;
use crate::export::{self, App, Brief, Draft, ExportFile, Extra, OtherNameError, Refusal};
use crate::model::formation;
use crate::model::plan;
use crate::model::policy::{ReportForm, Target};
use crate::unix::new_files::{WriteError, write_all};
use report::Report;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

/// Writes the files, or prints them; and says what is not in them.
pub(super) fn export(
    options: &Options,
    target: Target,
    directory: Option<&Path>,
    around: &Surroundings,
) -> Result<ExitCode, CliError> {
    check_names(options, target)?;
    let mut options = options.clone();
    let (fixed, most) = formation::ranges(&options.formation).map_err(CliError::usage)?;
    options.formation = fixed;
    let (app, mut draft) = read(&options, most, around)?;
    let directory = directory.map_or_else(|| Path::new("deploy").join(target.to_string()), Path::to_owned);
    let brief = brief(&options, &around.directory.join(&directory));
    draft.absorb(export::export(target, &app, &brief).map_err(refused)?);
    let export = draft.finish().map_err(refused)?;
    if options.export.dry_run {
        if options.export.report == ReportForm::Text {
            ui::print(printed(target, &export.files)).map_err(CliError::unwritten)?;
        }
    } else {
        let files: Vec<(&str, &[u8])> =
            export.files.iter().map(|file| (file.path.as_str(), &file.contents[..])).collect();
        write_all(&brief.directory, &files, options.export.force).map_err(unwritable)?;
    }
    let directory = (!options.export.dry_run).then(|| directory.display().to_string());
    Report { target, app: &app.name, directory, export: &export }.tell(options.export.report)?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses what is no name, and what means nothing to the target, unless the environment says it for others.
fn check_names(options: &Options, target: Target) -> Result<(), CliError> {
    let own = &options.export;
    let wrong = |option: &str, error: OtherNameError| CliError::usage(format!("{option}: {error}"));
    own.user.as_deref().map_or(Ok(()), export::check_user).map_err(|error| wrong("--user", error))?;
    own.image.as_deref().map_or(Ok(()), export::check_image).map_err(|error| wrong("--image", error))?;
    let namespace = own.namespace.as_deref().map_or(Ok(()), export::check_namespace);
    namespace.map_err(|error| wrong("--namespace", error))?;
    own.ingress.as_deref().map_or(Ok(()), export::check_host).map_err(|error| wrong("--ingress", error))?;
    let of_kubernetes = [("namespace", "--namespace"), ("ingress", "--ingress")];
    let strangers = match target {
        Target::Kubernetes => &[][..],
        Target::Compose => &of_kubernetes[..],
        Target::Systemd | Target::Supervisord | Target::Launchd => {
            &[("image", "--image"), of_kubernetes[0], of_kubernetes[1]]
        }
    };
    let given = |(id, _): &&(&str, &str)| options.origins.of(id) == Source::CommandLine;
    match strangers.iter().find(given) {
        None => Ok(()),
        Some((_, option)) => Err(CliError::usage(format!("{option} means nothing to {target}"))),
    }
}

fn brief(options: &Options, directory: &Path) -> Brief {
    let own = &options.export;
    Brief {
        user: own.user.clone(),
        image: own.image.clone(),
        namespace: own.namespace.clone(),
        ingress: own.ingress.clone(),
        include_secret_values: own.include_secret_values,
        directory: directory.to_owned(),
    }
}

/// The app as its files and the command line have it, without this machine; and a draft of what that left behind.
fn read(
    options: &Options,
    most: BTreeMap<String, u16>,
    around: &Surroundings,
) -> Result<(App, Draft), CliError> {
    let (files, mut problems) = load::app(options, around, Demand::Lenient);
    let Some(files) = files else {
        problems.settle()?;
        return Err(CliError::internal("no app and no error"));
    };
    let extra = extra(options, &files, most)?;
    let mut planner =
        Planner { options, named: &[], problems: &mut problems, again: None, is_for_here: false };
    let made = planner.plan(files);
    for notice in made.iter().flat_map(|made| &made.notices) {
        problems.notice(notice);
    }
    problems.settle()?;
    let Some(Planned { plan, .. }) = made else { return Err(CliError::internal("no plan and no error")) };
    let mut draft = Draft::default();
    let app = App::of(&plan, &extra, &mut draft).map_err(|error| CliError::input(error.to_string()))?;
    Ok((app, draft))
}

/// What the plan does not say.
fn extra(options: &Options, app: &Loaded, most: BTreeMap<String, u16>) -> Result<Extra, CliError> {
    let profiles = |index: usize| {
        let is_asleep = app.shares.get(index).is_some_and(|share| share.is_asleep);
        let profiles = app.table(index).filter(|_| is_asleep).and_then(|table| table.profiles.as_ref());
        profiles.map(|at| at.value.iter().map(|each| each.value.clone()).collect()).unwrap_or_default()
    };
    let restart = |index: usize| app.table(index)?.restart.as_ref().map(|at| at.value);
    let indices = 0..app.types.len();
    Ok(Extra {
        name: name(options, app)?,
        profiles: indices.clone().map(profiles).collect(),
        unwanted: unwanted(options, app),
        restarts: indices.map(restart).collect(),
        most,
        secrets: app.secrets.clone(),
        missing: missing(app),
    })
}

/// Who is left out by name. What is wrong with the formation is said when it is planned.
fn unwanted(options: &Options, app: &Loaded) -> Vec<usize> {
    let formation = super::plan::formation(options, &[], app, &mut Problems::default());
    formation.map(|formation| formation.unwanted).unwrap_or_default()
}

/// What the app is called: by the command line, by `proc.toml`, or by its directory.
fn name(options: &Options, app: &Loaded) -> Result<String, CliError> {
    if let Some(name) = &options.export.app {
        return match export::check_app_name(name) {
            Ok(()) => Ok(name.clone()),
            Err(error) => Err(CliError::usage(format!("--app: {error}"))),
        };
    }
    let configured = app.config.as_ref().and_then(|config| config.file.app.as_ref());
    let directory = app.root.file_name().map(|name| name.to_string_lossy());
    let name = configured.map(|at| at.value.as_str()).or(directory.as_deref());
    Ok(export::app_name(name.unwrap_or_default()))
}

/// The variables that `.env.example` asks for, and neither an env file nor `-E` sets: what is in the environment here is not there.
fn missing(app: &Loaded) -> Vec<String> {
    let Some(contract) = &app.contract else { return Vec::new() };
    let ours = plan::variables(&app.types, &app.settings, app.base_port, "", 1, app.base_port);
    let mut files = app.environment.files.clone();
    files.extend(app.settings.iter().flat_map(|each| each.env_files.clone()));
    let is_set = |name: &str| {
        ours.iter().any(|(key, _)| key == name)
            || app.environment.set.iter().any(|(key, _)| key == name)
            || files.iter().flat_map(|named| &named.file.entries).any(|entry| entry.key == name)
    };
    contract.missing(is_set).map(|clause| clause.variable.clone()).collect()
}

/// All files one after the other; a line before each says where it belongs, unless there is one only. Those of Kubernetes are one stream
/// of YAML documents.
fn printed(target: Target, files: &[ExportFile]) -> Vec<u8> {
    let between = if target == Target::Kubernetes { "---\n" } else { "\n" };
    let mut text = Vec::new();
    for file in files {
        if files.len() > 1 {
            if !text.is_empty() {
                text.extend(between.bytes());
            }
            text.extend(format!("# {}\n", file.path).bytes());
        }
        text.extend(&file.contents);
    }
    text
}

/// The most reasons that are told of at once.
const MOST_REFUSALS: usize = 20;

fn refused(refusals: Vec<Refusal>) -> CliError {
    let mut problems = Problems::default();
    let more = refusals.len().saturating_sub(MOST_REFUSALS);
    for refusal in refusals.into_iter().take(MOST_REFUSALS) {
        problems.error(&refusal);
        if let Some(advice) = refusal.advice {
            problems.hint(advice);
        }
    }
    if more > 0 {
        problems.error(format!("and {more} more like these"));
    }
    problems.settle().err().unwrap_or_else(|| CliError::internal("nothing was refused"))
}

fn unwritable(error: WriteError) -> CliError {
    let exists = matches!(error, WriteError::Exist(_));
    let error = CliError::input(error);
    if exists { error.hint("--force replaces them; nothing was written") } else { error }
}
