//! What the units and files of an app are called.

use crate::export::{Process, Role};
use std::collections::BTreeSet;

/// The targets of systemd and its like that an app or a process type could be called by (systemd.special(7)), without `.target`.
const TARGETS: &[&str] = &[
    "basic",
    "bluetooth",
    "boot-complete",
    "cryptsetup",
    "cryptsetup-pre",
    "ctrl-alt-del",
    "default",
    "emergency",
    "exit",
    "factory-reset",
    "final",
    "first-boot-complete",
    "getty",
    "getty-pre",
    "graphical",
    "halt",
    "hibernate",
    "hybrid-sleep",
    "initrd",
    "initrd-fs",
    "initrd-root-device",
    "initrd-root-fs",
    "initrd-switch-root",
    "initrd-usr-fs",
    "integritysetup",
    "integritysetup-pre",
    "kbrequest",
    "kexec",
    "local-fs",
    "local-fs-pre",
    "machines",
    "multi-user",
    "network",
    "network-online",
    "network-pre",
    "nss-lookup",
    "nss-user-lookup",
    "paths",
    "poweroff",
    "printer",
    "reboot",
    "remote-cryptsetup",
    "remote-fs",
    "remote-fs-pre",
    "remote-veritysetup",
    "rescue",
    "rpcbind",
    "runlevel0",
    "runlevel1",
    "runlevel2",
    "runlevel3",
    "runlevel4",
    "runlevel5",
    "runlevel6",
    "shutdown",
    "sigpwr",
    "sleep",
    "slices",
    "smartcard",
    "sockets",
    "soft-reboot",
    "sound",
    "ssh-access",
    "storage-target-mode",
    "suspend",
    "suspend-then-hibernate",
    "swap",
    "sysinit",
    "system-update",
    "system-update-pre",
    "time-set",
    "time-sync",
    "timers",
    "tpm2",
    "umount",
    "usb-gadget",
    "veritysetup",
    "veritysetup-pre",
];

/// Its services that a process type could be called by, without `.service`: those with a `-` in their names, but for `systemd-...`.
const SERVICES: &[&str] = &[
    "console-getty",
    "container-getty@",
    "debug-shell",
    "getty-static",
    "initrd-cleanup",
    "initrd-parse-etc",
    "initrd-switch-root",
    "initrd-udevadm-cleanup-db",
    "kmod-static-nodes",
    "quotaon-root",
    "rc-local",
    "serial-getty@",
    "system-update-cleanup",
    "user-runtime-dir@",
];

/// The accounts that every Debian has (`/usr/share/base-passwd/passwd.master`), as far as an app could be called so.
const ACCOUNTS: &[&str] = &[
    "backup", "bin", "daemon", "games", "irc", "list", "lp", "mail", "man", "news", "nobody", "proxy",
    "root", "sync", "sys", "uucp", "www-data",
];

/// Whether a unit is one of systemd's own.
fn is_systemds_own(unit: &str) -> bool {
    let is_of =
        |kind: &str, names: &[&str]| unit.strip_suffix(kind).is_some_and(|name| names.contains(&name));
    is_of(".target", TARGETS) || is_of(".service", SERVICES)
}

/// Whether a user is one of the system's own, whom nobody means who calls an app like that.
pub(super) fn is_account(user: &str) -> bool {
    ACCOUNTS.contains(&user)
}

/// The names of an app's units and files. They are made of names that the parsers of Procfile and command line have found harmless.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    /// The name of the app.
    pub(super) app: &'a str,
}

impl Names<'_> {
    /// The target of the app.
    pub(super) fn app_target(self) -> String {
        format!("{}.target", self.app)
    }

    /// The unit that stands for all of a process type: a target where it has instances.
    pub(super) fn unit(self, process: &Process) -> String {
        let kind = if process.role == Role::Service { "target" } else { "service" };
        format!("{}-{}.{kind}", self.app, process.name)
    }

    /// The unit file that says how an instance runs.
    pub(super) fn service(self, process: &Process) -> String {
        let at = if process.role == Role::Service { "@" } else { "" };
        format!("{}-{}{at}.service", self.app, process.name)
    }

    /// The unit of an instance.
    pub(super) fn instance(self, process: &Process, number: u16) -> String {
        format!("{}-{}@{number}.service", self.app, process.name)
    }

    /// The units that are started and restarted of a process type.
    pub(super) fn parts(self, process: &Process) -> Vec<String> {
        if process.role == Role::Service {
            process.instances.iter().map(|each| self.instance(process, each.number)).collect()
        } else {
            vec![self.unit(process)]
        }
    }

    /// The units of these process types, or the target of the app, that would take the place of one of systemd's own.
    pub(super) fn clashes(self, processes: &[Process]) -> Vec<String> {
        let exported = processes.iter().filter(|process| !process.is_asleep());
        let units = exported.flat_map(|process| [self.unit(process), self.service(process)]);
        let units: BTreeSet<String> = units.chain([self.app_target()]).collect();
        units.into_iter().filter(|unit| is_systemds_own(unit)).collect()
    }

    /// Where an env file of the app is, on the machine that it runs on.
    pub(super) fn installed(self, file: &str) -> String {
        format!("/etc/{}/{file}", self.app)
    }
}
