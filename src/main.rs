//! The program `proc`; everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    proc_start::cli::main()
}
