//! Completion scripts for the shells, from the definition of the command line.

use clap_complete::shells;

use super::args::Shell;

/// The completion script of a shell.
#[must_use]
pub fn script(shell: Shell) -> Vec<u8> {
    let shell = match shell {
        Shell::Bash => shells::Shell::Bash,
        Shell::Zsh => shells::Shell::Zsh,
        Shell::Fish => shells::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::command(), "proc", &mut script);
    script
}
