//! What the units and files of an app are called.

use crate::export::{Process, Role};

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

    /// The targets of these process types, or that of the app, that would take the place of one of systemd's own.
    pub(super) fn clashes(self, processes: &[Process]) -> Vec<String> {
        let services = processes.iter().filter(|process| process.role == Role::Service);
        let units = services.map(|process| self.unit(process)).chain([self.app_target()]);
        units
            .filter(|unit| unit.strip_suffix(".target").is_some_and(|name| TARGETS.contains(&name)))
            .collect()
    }

    /// Where an env file of the app is, on the machine that it runs on.
    pub(super) fn installed(self, file: &str) -> String {
        format!("/etc/{}/{file}", self.app)
    }
}
