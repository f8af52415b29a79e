//! Opening a run to those who ask from elsewhere: over its socket, and over a port if that is wanted.

use super::args::Options;
use super::error::{CliError, CliErrorKind};
use super::place::Place;
use crate::api::server::{Port, Server, new_token};
use crate::engine::handle::Handle;
use std::io;
use std::net::{SocketAddr, TcpListener};

/// The address that `--listen` names: of this machine only, since whoever has the token may do everything here.
pub(super) fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "it is 127.0.0.1:PORT or [::1]:PORT".to_owned())?;
    if !address.ip().is_loopback() {
        return Err(
            "it can be reached from other machines; only 127.0.0.1:PORT and [::1]:PORT are not".to_owned()
        );
    }
    Ok(address)
}

/// Answers those who ask from now on. What keeps it from that is said among the notices, for the processes can do without; but not of a
/// port that was asked for.
pub(super) fn open(
    options: &Options,
    place: Option<&Place>,
    handle: Handle,
    notices: &mut Vec<String>,
) -> Result<Option<Server>, CliError> {
    let Some(place) = place else {
        return match options.listen {
            Some(_) => Err(CliError::new(
                CliErrorKind::Input,
                "`--listen` needs a directory for the token, and there is none",
            )),
            None => Ok(None),
        };
    };
    let port = options.listen.map(|address| listen(address, place, notices)).transpose()?;
    let started = place.dir.bind(&place.lock).and_then(|socket| Server::start(handle, socket, port));
    match started {
        Ok(server) => Ok(Some(server)),
        Err(error) => {
            let reason = format!("`{}`: {error}", place.dir.socket().display());
            if options.detach {
                return Err(unseen(&reason));
            }
            notices.push(format!("this run cannot be controlled from elsewhere: {reason}"));
            Ok(None)
        }
    }
}

/// That a run in the background could be neither seen nor ended, and is therefore none.
pub(super) fn unseen(reason: &str) -> CliError {
    let error = format!("`--detach`: this run could not be controlled from elsewhere: {reason}");
    CliError::new(CliErrorKind::Input, error)
}

/// Listens on a port, for those who know the word.
fn listen(address: SocketAddr, place: &Place, notices: &mut Vec<String>) -> Result<Port, CliError> {
    let failed =
        |what: &str, error: io::Error| CliError::new(CliErrorKind::Input, format!("{what}: {error}"));
    let cannot_listen = |error| failed(&format!("`--listen {address}`"), error);
    let listener = TcpListener::bind(address).map_err(cannot_listen)?;
    listener.set_nonblocking(true).map_err(cannot_listen)?;
    let bound = listener.local_addr().map_err(cannot_listen)?;
    let path = place.dir.token_path();
    let token = new_token().and_then(|new| place.dir.token(&place.lock, &new));
    let token = token.map_err(|error| failed(&format!("`{}`", path.display()), error))?;
    notices.push(format!("controlled at http://{bound}, too; the token is in {}", path.display()));
    Ok(Port { listener, number: bound.port(), token })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_this_machine_is_listened_on() {
        for right in ["127.0.0.1:0", "127.1.2.3:4000", "[::1]:4000"] {
            assert!(loopback(right).is_ok(), "{right}");
        }
        for wrong in ["0.0.0.0:80", "[::]:80", "192.168.1.1:80", "127.0.0.1", "localhost:80", ":80", "80", ""]
        {
            assert!(loopback(wrong).is_err(), "{wrong}");
        }
    }
}
