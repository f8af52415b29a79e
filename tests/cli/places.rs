//! Places where something is missing that is there nearly everywhere, and the place where we are process 1.

use crate::support::{Proc, skip};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::Command;

/// Something else in the place of `/proc`.
const WITHOUT_PROC: &str = "unshare -Urm sh -c 'mount -t tmpfs none /proc && exec \"$0\" \"$@\"'";

const NO_PROC: &str = "warning: /proc does not show who is below us: processes that leave the group they were started in are not found\n";

/// `proc`, called by way of this command; none, with the reason, where that is not permitted.
fn inside(proc: Proc, command: &str) -> Option<Proc> {
    let probe = Command::new("/bin/sh").args(["-c", &format!("exec {command} true")]).output();
    if probe.is_ok_and(|probe| probe.status.success()) {
        return Some(proc.by_shell(&format!("exec {command} \"$@\"")));
    }
    skip(&format!("`{command}` is not permitted"));
    None
}

// F79
#[test]
fn it_needs_no_home() {
    let proc = Proc::start("web: ./child env HOME exit 0\n").by_shell("unset HOME; exec \"$@\"");
    proc.run().exits(0).says("| HOME is unset");
}

// F79
#[test]
fn a_directory_that_was_removed_under_us_is_an_error_that_says_so() {
    let proc = Proc::start("web: ./child wait\n").by_shell("mkdir gone; cd gone; rmdir ../gone; exec \"$@\"");
    proc.run().exits(2).complains("failed to find the working directory: No such file or directory");
}

// F79
#[test]
fn without_proc_it_starts_and_stops_and_warns_once_of_what_it_cannot_see() {
    let proc = Proc::start("web: ./child hold alive ready wait & ./child hold alive ready wait\n");
    let liveness = proc.liveness();
    let Some(proc) = inside(proc, WITHOUT_PROC) else { return };
    let proc = proc.spawn();
    proc.wait_until("both to be ready", |stdout| stdout.matches("| ready").count() == 2);
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).stdout();
    assert_eq!(run.stderr(), NO_PROC);
    liveness.wait_for_death();
}

// F79
#[test]
fn without_proc_what_outlives_the_leader_of_its_group_is_killed_after_the_grace_period() {
    let stubborn = "./child hold alive ignore TERM ready wait";
    let proc = Proc::start(format!("web: {stubborn} & exec ./child ready wait\n")).args(["-t", "0.3"]);
    let liveness = proc.liveness();
    let Some(proc) = inside(proc, WITHOUT_PROC) else { return };
    let proc = proc.spawn();
    proc.wait_until("both to be ready", |stdout| stdout.matches("| ready").count() == 2);
    assert!(liveness.is_held());
    let run = proc.end_by(Signal::SIGTERM);
    run.dies_by(Signal::SIGTERM).says("grace period over: SIGKILL to web.1\n");
    assert_eq!(run.stderr(), NO_PROC);
    liveness.wait_for_death();
}

// F79
#[test]
fn without_a_shell_only_commands_that_need_one_cannot_be_started() {
    let proc = || Proc::start("plain: ./child say plain wait\nshell: ./child say shell; ./child wait\n");
    let bare = "unshare -Urm sh -c 'mount --bind /dev/null \"$(readlink -f /bin/sh)\" && exec \"$0\" \"$@\"'";
    let Some(plain) = inside(proc(), bare) else { return };
    let run = plain.args(["plain"]).spawn();
    run.wait_for("| plain");
    run.end_by(Signal::SIGTERM).dies_by(Signal::SIGTERM).stdout();
    let Some(both) = inside(proc(), bare) else { return };
    both.run().exits(126).says("could not be started: permission denied: /bin/sh is not an executable file");
}

/// A thousand orphans, each of a parent that ends at once; then none of them is left, not even as a zombie.
const ORPHANS: &str = concat!(
    "web: i=0; while [ $i -lt 1000 ]; do (: &); i=$((i+1)); done; ",
    "while grep -qs '^State:.Z' /proc/[0-9]*/status; do :; done; echo none left; exec ./child wait\n"
);

// F65, F79: what `docker run` without an init is.
#[test]
fn as_process_1_it_reaps_every_orphan_and_exits_with_the_code_of_the_signal() {
    let Some(proc) = inside(Proc::start(ORPHANS), "unshare -Upf --mount-proc --kill-child") else { return };
    let proc = proc.spawn();
    proc.wait_for("| none left");
    // The child of unshare(1) is process 1 in there.
    let first = proc.all_processes()[1];
    kill(Pid::from_raw(first), Signal::SIGTERM).unwrap();
    // Nobody can send process 1 a signal that it would die of, itself included.
    proc.finish().exits(128 + 15).says("| killed by SIGTERM");
}
