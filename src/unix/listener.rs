//! Who listens on a port.

use super::file::proc_text;
use crate::model::diagnostic::printable;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, bind, setsockopt, socket, sockopt,
};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, OwnedFd};

/// A process that listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its id.
    pub pid: i32,
    /// The name of its program, as the kernel has it (`comm`), with controls made visible: the program chose it.
    pub name: String,
}

impl Holder {
    /// Who it is, to be said behind `port 5000 is taken`.
    #[must_use]
    pub fn words(&self) -> String {
        format!(" by pid {} ({})", self.pid, self.name)
    }
}

/// Whether nobody could listen on this TCP port on all addresses now.
///
/// A socket is bound for a moment and never listens, so no connection can get lost in it.
#[must_use]
pub fn is_taken(port: u16) -> bool {
    let any4 = SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port));
    let any6 = SockaddrIn6::from(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0));
    let v4 = try_bind(AddressFamily::Inet, |fd| bind(fd.as_raw_fd(), &any4));
    let v6 = try_bind(AddressFamily::Inet6, |fd| {
        setsockopt(fd, sockopt::Ipv6V6Only, &true)?;
        bind(fd.as_raw_fd(), &any6)
    });
    [v4, v6].contains(&Err(Errno::EADDRINUSE))
}

fn try_bind(family: AddressFamily, bind: impl FnOnce(&OwnedFd) -> nix::Result<()>) -> nix::Result<()> {
    let fd = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    // As servers do: connections of the last run that linger in TIME_WAIT are no reason to refuse.
    setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    bind(&fd)
}

/// The process that listens on a port, where `/proc` tells.
#[must_use]
pub fn holder(port: u16) -> Option<Holder> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| proc_text(path))
        .flat_map(|table| table.lines().filter_map(|line| listener(line, port)).collect::<Vec<_>>())
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let pid = pids.find(|pid| has_open(*pid, &inodes))?;
    let name = proc_text(&format!("/proc/{pid}/comm"))?;
    Some(Holder { pid, name: printable(name.trim_end()) })
}

/// The inode of the socket that a line of `/proc/net/tcp` is about, if it listens on this port.
fn listener(line: &str, port: u16) -> Option<String> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
    let number = u16::from_str_radix(local.rsplit(':').next()?, 16).ok()?;
    (number == port && *state == LISTEN).then(|| (*inode).to_owned())
}

fn has_open(pid: i32, links: &[String]) -> bool {
    let Ok(open) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    open.flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .any(|link| links.iter().any(|each| link.as_os_str() == each.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_port_that_somebody_listens_on_is_taken_and_we_are_named() {
        for address in ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let port = listener.local_addr().unwrap().port();
            assert!(is_taken(port), "{address}");
            assert_eq!(holder(port).unwrap().pid, std::process::id().cast_signed(), "{address}");
            drop(listener);
            assert!(!is_taken(port), "{address}");
        }
    }

    #[test]
    fn a_line_of_the_table_is_about_a_listener_or_it_is_not() {
        let line = "   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000 100 0 0 10 0";
        assert_eq!(listener(line, 5000).as_deref(), Some("4711"));
        assert_eq!(listener(line, 5001), None);
        assert_eq!(listener(&line.replace(" 0A ", " 01 "), 5000), None);
        assert_eq!(listener("  sl  local_address rem_address   st", 5000), None);
    }
}
