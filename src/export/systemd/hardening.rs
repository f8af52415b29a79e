//! What the processes may do on the machine: as little as an ordinary application needs, each exception with its reason beside it.

use super::unit::Unit;
use crate::export::{App, Brief, Process};
use crate::model::diagnostic::printable;

/// What breaks no ordinary application: none of it is about what runtimes, package managers or databases do in their work.
const ALWAYS: &[(&str, &str)] = &[
    ("NoNewPrivileges", "yes"),
    ("PrivateDevices", "yes"),
    ("ProtectClock", "yes"),
    ("ProtectControlGroups", "yes"),
    ("ProtectHostname", "yes"),
    ("ProtectKernelLogs", "yes"),
    ("ProtectKernelModules", "yes"),
    ("ProtectKernelTunables", "yes"),
    ("ProtectProc", "invisible"),
    ("LockPersonality", "yes"),
    ("RestrictNamespaces", "yes"),
    ("RestrictRealtime", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("SystemCallArchitectures", "native"),
    ("SystemCallFilter", "@system-service"),
    ("SystemCallErrorNumber", "EPERM"),
];

/// What would be stricter, and breaks ordinary applications.
const RELAXED: &[&str] = &[
    "No MemoryDenyWriteExecute=yes: just-in-time compilers (java, node, ruby) write code and run it.",
    "No ProcSubset=pid: runtimes read /proc/cpuinfo and /proc/meminfo.",
    "No RemoveIPC=yes: all processes of the app have the same user, and one that ends is not all.",
    "No UMask=0077: a web server in front may have to read what the app writes.",
];

/// What root may still do, where the app was said to be root's.
const OF_ROOT: &str =
    "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID";

/// Where something of an app is, as far as anybody can tell: by its directories, its commands and its variables.
fn refers_to<'a>(app: &App, process: &Process, places: &[&'a str]) -> Option<&'a str> {
    let directory = process.settings.working_dir.as_ref().unwrap_or(&app.root).to_string_lossy();
    let values = app.variables.values().chain(process.variables.values());
    let texts = || {
        let own = process.instances.first().into_iter().flat_map(|each| each.variables.values());
        values.clone().chain(own).map(|variable| variable.value.as_str())
    };
    let is_below = |place: &str| directory == place || directory.starts_with(&format!("{place}/"));
    places.iter().copied().find(|place| {
        is_below(place) || names(process.command.text(), place) || texts().any(|text| names(text, place))
    })
}

/// Whether a text has this absolute path in it, or one below it.
fn names(text: &str, place: &str) -> bool {
    let goes_on = |char: char| char.is_alphanumeric() || "._-".contains(char);
    text.match_indices(place).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + place.len()..].chars().next();
        !before.is_some_and(|char| goes_on(char) || char == '/' || char == '}') && !after.is_some_and(goes_on)
    })
}

/// Whether any process type of the app refers to a place: what one puts there, another may look for.
fn anybody_refers_to<'a>(app: &App, places: &[&'a str]) -> Option<&'a str> {
    app.processes.iter().find_map(|process| refers_to(app, process, places))
}

/// Writes the settings of a process type, and why each that is missing is.
pub(super) fn write(app: &App, process: &Process, brief: &Brief, unit: &mut Unit) {
    unit.gap();
    unit.comment("As little as it needs; `systemd-analyze security` has more to say.");
    for (key, value) in ALWAYS {
        unit.set(key, value);
    }
    capabilities(process, brief, unit);
    places(app, process, unit);
    unit.comment(
        "The network is what it serves and asks; netlink is how the C library learns its addresses.",
    );
    unit.set("RestrictAddressFamilies", "AF_INET AF_INET6 AF_NETLINK AF_UNIX");
    for comment in RELAXED {
        unit.comment(comment);
    }
}

fn capabilities(process: &Process, brief: &Brief, unit: &mut Unit) {
    let low = process.instances.iter().filter_map(|each| each.port).find(|port| *port < 1024);
    if matches!(brief.user.as_deref(), Some("root" | "0")) {
        unit.comment("It is root's: what it needs to serve low ports, own files and become somebody else.");
        unit.set("CapabilityBoundingSet", OF_ROOT);
    } else if let Some(port) = low {
        unit.comment(&format!("Port {port} is below 1024."));
        unit.set("AmbientCapabilities", "CAP_NET_BIND_SERVICE");
        unit.set("CapabilityBoundingSet", "CAP_NET_BIND_SERVICE");
    } else {
        unit.set("CapabilityBoundingSet", "");
    }
}

fn places(app: &App, process: &Process, unit: &mut Unit) {
    let because = |unit: &mut Unit, key: &str, place: &str, why: &str| {
        unit.comment(&format!("No {key}=yes: {} {why}.", printable(place)));
    };
    match refers_to(app, process, &["/home", "/root", "/run/user"]) {
        Some(place) => because(unit, "ProtectHome", place, "has something of the app in it"),
        None => unit.set("ProtectHome", "yes"),
    }
    match anybody_refers_to(app, &["/tmp", "/var/tmp"]) {
        Some(place) => because(unit, "PrivateTmp", place, "is where its processes may meet"),
        None => unit.set("PrivateTmp", "yes"),
    }
    let directory = process.settings.working_dir.as_ref().unwrap_or(&app.root);
    if let Some(place) = ["/usr", "/boot", "/efi", "/etc"].iter().find(|place| directory.starts_with(place)) {
        because(unit, "ProtectSystem", place, "has the app in it, which may write there");
    } else {
        unit.comment("Not strict: it writes where it runs, and a database where its data is.");
        unit.set("ProtectSystem", "full");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_named_as_a_whole() {
        for text in ["/tmp", "/tmp/x", "a --dir=/tmp b", "unix:/tmp/s", "\"/tmp\""] {
            assert!(names(text, "/tmp"), "{text}");
        }
        for text in ["", "tmp/x", "a/tmp/x", "/tmpfs", "/srv/tmp", "$DIR/tmp", "${DIR}/tmp"] {
            assert!(!names(text, "/tmp"), "{text}");
        }
    }
}
