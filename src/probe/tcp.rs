//! Whether a connection is taken.

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use tokio::net::TcpStream;

/// Connects, and closes that again.
pub(super) async fn ask(port: u16) -> Result<(), String> {
    connect(port).await.map(drop)
}

/// A connection to a port of 127.0.0.1.
pub(super) async fn connect(port: u16) -> Result<TcpStream, String> {
    let refused = || format!("connection to port {port} refused");
    let stream = match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
        Ok(stream) => stream,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Err(refused()),
        Err(error) => return Err(format!("no connection to port {port}: {error}")),
    };
    // Where nobody listens on a port from which the kernel takes those of connections, it may take this very one: then we talk to ourselves.
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(ours), Ok(theirs)) if ours == theirs => Err(refused()),
        (_, _) => Ok(stream),
    }
}
