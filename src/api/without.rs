//! What stands for the API where this part was left out (the feature `api`).

pub mod server {
    //! There is no server.

    use crate::engine::handle::Handle;
    use std::io;
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    /// A server that runs; there is none.
    #[derive(Debug)]
    pub enum Server {}

    /// A port that would be listened on.
    #[derive(Debug)]
    pub struct Port {
        /// Listens.
        pub listener: TcpListener,
        /// Its number.
        pub number: u16,
        /// The word that a request has to know.
        pub token: String,
    }

    impl Server {
        /// Refuses.
        pub fn start(_handle: Handle, _socket: UnixListener, _port: Option<Port>) -> io::Result<Self> {
            Err(missing())
        }
    }

    /// Refuses.
    pub fn new_token() -> io::Result<String> {
        Err(missing())
    }

    fn missing() -> io::Error {
        io::Error::new(io::ErrorKind::Unsupported, "this proc was built without the feature `api`")
    }
}
