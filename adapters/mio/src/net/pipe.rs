//! Bytes from one socket to another without a copy, where the system can do that: elsewhere nobody offers a pipe, and
//! they are copied.

#[cfg(not(target_os = "linux"))]
pub(crate) use absent::Pipe;
#[cfg(target_os = "linux")]
pub(crate) use linux::Pipe;

#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
mod absent {
    use mio::net::TcpStream;
    use std::{convert::Infallible, io};

    /// There is none.
    #[derive(Debug)]
    pub(crate) struct Pipe(Infallible);

    impl Pipe {
        pub(crate) fn new() -> Option<Self> {
            None
        }

        pub(crate) fn held(&self) -> usize {
            match self.0 {}
        }

        pub(crate) fn fill(&mut self, _: &TcpStream) -> io::Result<Option<usize>> {
            match self.0 {}
        }

        pub(crate) fn drain(&mut self, _: &TcpStream) -> io::Result<Option<usize>> {
            match self.0 {}
        }
    }
}
