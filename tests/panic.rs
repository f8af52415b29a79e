//! What a bug of ours leaves behind. Alone in its program, because it kills everything below it.

use proc_start::cli::start::contain;
use proc_start::unix::tree::adopt_orphans;
use std::io::Read;
use std::process::{Command, Stdio};

#[test]
#[expect(clippy::zombie_processes, reason = "that it is reaped by somebody else is the point")]
fn a_panic_is_an_internal_error_and_leaves_no_process_running() {
    adopt_orphans().unwrap();
    let script = "(setsid sleep 60 & sleep 60) & echo started; sleep 60";
    let mut tree = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = tree.stdout.take().unwrap();
    let mut line = [0; 8];
    output.read_exact(&mut line).unwrap();
    let error = contain(|| panic!("on purpose")).unwrap_err();
    assert_eq!(error.exit_code(), 70);
    assert!(error.render().contains("all processes were killed"), "{}", error.render());
    // The pipe is open as long as one of them lives.
    assert_eq!(output.read_to_end(&mut Vec::new()).unwrap(), 0);
}
