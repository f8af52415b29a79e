//! The options of `proc export`, as types.

use super::word;
use crate::model::policy::ReportForm;
use clap::Args;
use clap::builder::FalseyValueParser;
use std::str::FromStr as _;

const EXPORT: &str = "Export";

/// The options that only `proc export` has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub struct ExportOptions {
    /// What the app is called there [default: proc.toml's app, else the name of its directory]
    #[arg(short = 'a', long, value_name = "NAME", env = "PROC_APP", help_heading = EXPORT)]
    pub app: Option<String>,

    /// Whose processes they are there [default: NAME for systemd]
    #[arg(short = 'u', long, value_name = "USER", env = "PROC_USER", help_heading = EXPORT)]
    pub user: Option<String>,

    /// The image that the app is built into (compose, kubernetes)
    #[arg(long, value_name = "IMAGE", env = "PROC_IMAGE", help_heading = EXPORT)]
    pub image: Option<String>,

    /// The namespace (kubernetes)
    #[arg(long, value_name = "NAME", env = "PROC_NAMESPACE", help_heading = EXPORT)]
    pub namespace: Option<String>,

    /// The host name that web is reached by from outside (kubernetes)
    #[arg(long, value_name = "HOST", env = "PROC_INGRESS", help_heading = EXPORT)]
    pub ingress: Option<String>,

    /// Write the values of secrets too
    #[arg(long, env = "PROC_INCLUDE_SECRET_VALUES", help_heading = EXPORT, value_parser = FalseyValueParser::new())]
    pub include_secret_values: bool,

    /// Print the files to standard output; write none
    #[arg(long, env = "PROC_DRY_RUN", help_heading = EXPORT, value_parser = FalseyValueParser::new())]
    pub dry_run: bool,

    /// Replace files that are there
    #[arg(long, env = "PROC_FORCE", help_heading = EXPORT, value_parser = FalseyValueParser::new())]
    pub force: bool,

    /// How to say what was written and what was not carried over; JSON goes to standard output
    #[arg(long, value_name = "FORM", env = "PROC_REPORT", help_heading = EXPORT)]
    #[arg(default_value_t, value_parser = word(ReportForm::NAMES, ReportForm::from_str))]
    pub report: ReportForm,
}
