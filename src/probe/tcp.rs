//! Whether a connection is taken.

use crate::model::answer::{Answer, Failure};
use crate::unix::spawn::is_temporary;
use std::io::{self, ErrorKind};
use std::net::Ipv4Addr;
use tokio::net::TcpStream;

/// Connects, and closes that again.
pub(super) async fn ask(port: u16) -> Answer {
    connect(port).await.map(drop)
}

/// A connection to a port of 127.0.0.1.
pub(super) async fn connect(port: u16) -> Result<TcpStream, Failure> {
    let stream = match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
        Ok(stream) => stream,
        Err(error) => return Err(failure(port, &error)),
    };
    // Where nobody listens on a port from which the kernel takes those of connections, it may take this very one: then we talk to ourselves.
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(ours), Ok(theirs)) if ours == theirs => Err(refused(port)),
        (_, _) => Ok(stream),
    }
}

fn refused(port: u16) -> Failure {
    Failure::Bad(format!("connection to port {port} refused"))
}

fn failure(port: u16, error: &io::Error) -> Failure {
    if error.kind() == ErrorKind::ConnectionRefused {
        return refused(port);
    }
    let reason = format!("no connection to port {port}: {error}");
    // Where there is no address, all ports from which connections are made are taken.
    let is_ours = is_temporary(error) || error.kind() == ErrorKind::AddrNotAvailable;
    if is_ours { Failure::Unasked(reason) } else { Failure::Bad(reason) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_we_have_no_room_for_a_socket_says_nothing_of_who_listens() {
        let of = |number| failure(80, &io::Error::from_raw_os_error(number));
        for ours in [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::EAGAIN, libc::EADDRNOTAVAIL] {
            assert!(matches!(of(ours), Failure::Unasked(_)), "{:?}", of(ours));
        }
        for theirs in [libc::ECONNREFUSED, libc::ECONNRESET, libc::ETIMEDOUT] {
            assert!(matches!(of(theirs), Failure::Bad(_)), "{:?}", of(theirs));
        }
    }
}
