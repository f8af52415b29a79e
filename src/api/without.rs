//! What stands for the API where this part was left out (the feature `api`).

pub mod server {
    //! There is no server.

    use crate::engine::handle::Handle;
    use std::io;
    use std::os::unix::net::UnixListener;

    /// A server that runs; there is none.
    #[derive(Debug)]
    pub enum Server {}

    impl Server {
        /// Refuses.
        pub fn start(_handle: Handle, _listener: UnixListener) -> io::Result<Self> {
            Err(io::Error::new(io::ErrorKind::Unsupported, "this proc was built without the feature `api`"))
        }
    }
}
