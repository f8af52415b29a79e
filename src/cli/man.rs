//! The man pages, from the definition of the command line and the sections of `manual.rs`.
//!
//! The same for every build of a version: no date, nothing of the machine.

use clap::builder::Resettable;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::examples;
use super::manual::{self, Block, Section};

/// A man page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The name of its file, as in `proc-start.1`.
    pub name: String,
    /// What is in the file.
    pub roff: Vec<u8>,
}

/// The page of `proc` itself, then those of its commands, then that of `proc.toml`.
#[must_use]
pub fn pages() -> Vec<Page> {
    let root = tree();
    let commands = root.get_subcommands().cloned().collect::<Vec<_>>();
    std::iter::once(root).chain(commands).map(page).chain([page_of_config()]).collect()
}

/// The page of `proc` itself.
#[must_use]
pub fn page_of_proc() -> Page {
    page(tree())
}

/// The page of `proc.toml`.
fn page_of_config() -> Page {
    let mut roff = Roff::new();
    let source = concat!("proc ", env!("CARGO_PKG_VERSION"));
    // An empty argument has to be written as one.
    roff.control("TH", ["PROC.TOML", "5", "\"\"", source, "File Formats"]);
    roff.control("SH", ["NAME"]).text([roman("proc.toml - how the processes of a Procfile behave")]);
    for section in manual::CONFIG {
        write_section(&mut roff, section);
    }
    roff.control("SH", ["SEE ALSO"]).text([roman("proc(1), proc-start(1), proc-check(1), proc-config(1)")]);
    Page { name: "proc.toml.5".to_owned(), roff: embolden(&roff.render()).into_bytes() }
}

/// The command line, made ready for pages.
fn tree() -> clap::Command {
    let root = super::command().disable_help_subcommand(true).mut_args(for_paper);
    let mut root = root.mut_subcommands(|sub| sub.mut_args(for_paper));
    root.build();
    root
}

/// An option as a page shows it: in one list with all others, and with its words, other names and variable as sentences.
fn for_paper(arg: clap::Arg) -> clap::Arg {
    let Some(variable) = arg.get_env().map(|name| name.to_string_lossy().into_owned()) else { return arg };
    let takes_a_value = arg.get_action().takes_values();
    let mut help = vec![arg.get_help().map(ToString::to_string).unwrap_or_default()];
    let words = arg.get_possible_values();
    // Those of a switch, `true` and `false`, are its variable's only.
    if takes_a_value && !words.is_empty() {
        let words = words.iter().map(|word| format!("`{}`", word.get_name())).collect::<Vec<_>>();
        help.push(format!(": {}", words.join(", ")));
    }
    let short = arg.get_visible_short_aliases().into_iter().flatten().map(|name| format!(". Also `-{name}`"));
    let long = arg.get_visible_aliases().into_iter().flatten().map(|name| format!(". Also `--{name}`"));
    help.extend(short.chain(long));
    help.push(format!(". Variable: `{variable}`."));
    arg.help(help.concat()).help_heading(Resettable::Reset).hide_possible_values(takes_a_value)
}

/// The page of a command.
fn page(mut command: clap::Command) -> Page {
    let usage = command.render_usage().to_string();
    let command = command.override_usage(usage.trim_start_matches("Usage: ").to_owned());
    let short = command.get_name().to_owned();
    let name = command.get_display_name().unwrap_or(&short).to_owned();
    let has_commands = command.has_subcommands();
    let man = Man::new(command)
        .title(name.to_uppercase())
        // An argument of .TH cannot be left out, and clap_mangen writes an empty one as nothing.
        .date("\"\"")
        .source(concat!("proc ", env!("CARGO_PKG_VERSION")))
        .manual("User Commands");
    let mut text = part(|to| man.render_title(to));
    text += &part(|to| man.render_name_section(to));
    text += &part(|to| man.render_synopsis_section(to));
    text += &part(|to| man.render_description_section(to));
    text += &part(|to| man.render_options_section(to));
    if has_commands {
        text += &part(|to| man.render_subcommands_section(to));
    }
    let mut roff = Roff::new();
    for section in manual::sections(&short) {
        write_section(&mut roff, section);
    }
    write_examples(&mut roff, &short);
    write_see_also(&mut roff, &short);
    text += &part(|to| roff.to_writer(to));
    Page { name: format!("{name}.1"), roff: (Roff::new().render() + &embolden(&text)).into_bytes() }
}

/// What `write` writes, without the definitions that stand before each document of the roff crate.
fn part(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    // Writing to a Vec cannot fail.
    drop(write(&mut bytes));
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let definitions = Roff::new().render();
    text.strip_prefix(&definitions).map(str::to_owned).unwrap_or(text)
}

fn write_section(roff: &mut Roff, section: &Section) {
    roff.control("SH", [section.title]);
    for block in section.blocks {
        match block {
            Block::Text(text) => roff.control("PP", []).text([roman(*text)]),
            Block::Item(term, text) => roff.control("TP", []).text([roman(*term)]).text([roman(*text)]),
            Block::Code(text) => write_code(roff, text),
        };
    }
}

/// Lines that are shown as they are, indented.
fn write_code<'a>(roff: &'a mut Roff, text: &str) -> &'a mut Roff {
    roff.control("PP", []).control("RS", ["4"]).control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []).control("RE", [])
}

fn write_examples(roff: &mut Roff, command: &str) {
    roff.control("SH", ["EXAMPLES"]);
    for (line, meaning) in examples::of(command) {
        roff.control("TP", []).text([roman(format!("`{line}`"))]).text([roman(*meaning)]);
    }
}

fn write_see_also(roff: &mut Roff, command: &str) {
    let root = super::command();
    let pages = root.get_subcommands().map(|sub| format!("proc-{}(1)", sub.get_name()));
    let others = std::iter::once("proc(1)".to_owned()).chain(pages);
    let own = if command == "proc" { "proc(1)".to_owned() } else { format!("proc-{command}(1)") };
    let others = others.filter(|page| *page != own);
    let others = others.chain(["proc.toml(5)", "environ(7)", "signal(7)"].map(str::to_owned));
    roff.control("SH", ["SEE ALSO"]).text([roman(others.collect::<Vec<_>>().join(", "))]);
}

/// Sets in bold what stands between back-quotes, in our own text and in the help that clap hands on.
fn embolden(roff: &str) -> String {
    let mut text = String::with_capacity(roff.len());
    for line in roff.split_inclusive('\n') {
        for (index, piece) in line.split('`').enumerate() {
            match index {
                0 => {}
                _ if index % 2 == 1 => text.push_str(r"\fB"),
                _ => text.push_str(r"\fR"),
            }
            text.push_str(piece);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_for_the_program_and_each_command() {
        let names = pages().into_iter().map(|page| page.name).collect::<Vec<_>>();
        assert_eq!(
            names.join(" "),
            "proc.1 proc-start.1 proc-ps.1 proc-logs.1 proc-restart.1 proc-stop.1 proc-signal.1 proc-scale.1 \
             proc-wait.1 proc-why.1 proc-attach.1 proc-events.1 proc-reload.1 proc-down.1 proc-run.1 proc-check.1 proc-env.1 proc-config.1 proc-export.1 proc-completions.1 proc-man.1 proc.toml.5"
        );
    }

    #[test]
    fn every_key_of_proc_toml_is_on_its_page() {
        let schema: serde_json::Value = serde_json::from_str(&crate::model::config::schema()).unwrap();
        let tables = schema["definitions"].as_object().unwrap().values().chain([&schema]);
        let page = String::from_utf8(page_of_config().roff).unwrap();
        for key in tables
            .flat_map(|table| table["properties"].as_object().unwrap().keys())
            .filter(|key| *key != "process")
        {
            assert!(page.contains(&format!("\n\\fB{key}\\fR\n")), "{key}");
        }
    }

    #[test]
    fn pages_are_ascii_and_every_back_quote_has_its_partner() {
        for page in pages() {
            assert!(page.roff.is_ascii(), "{}", page.name);
            for line in String::from_utf8_lossy(&page.roff).lines() {
                let opened = line.matches(r"\fB").count() + line.matches(r"\fI").count();
                assert_eq!(opened, line.matches(r"\fR").count(), "{}: {line}", page.name);
            }
        }
    }
}
