//! The standard output, as a stream of text.

use crate::error::RunError;
use std::io::{ErrorKind, Write};

/// Text goes out piece by piece.
pub struct Output<W> {
    to: W,
    closed: bool,
}

impl<W: Write> Output<W> {
    /// To `to`.
    pub fn new(to: W) -> Self {
        Self { to, closed: false }
    }

    /// Writes a piece now. False: nobody reads any more (a closed pipe), which is no error; nothing more is written then.
    ///
    /// # Errors
    /// Any other failure of the output, such as a full disk.
    pub fn write(&mut self, text: &str) -> Result<bool, RunError> {
        if self.closed {
            return Ok(false);
        }
        if text.is_empty() {
            return Ok(true);
        }
        let written = self
            .to
            .write_all(text.as_bytes())
            .and_then(|()| self.to.flush());
        match written {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(false)
            }
            Err(source) => Err(RunError::Write {
                name: "the standard output".into(),
                source,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Error;

    struct Pipe(Vec<u8>, usize, ErrorKind);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.0.len() + bytes.len() > self.1 {
                return Err(Error::from(self.2));
            }
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_the_end_and_no_error() {
        let mut out = Output::new(Pipe(vec![], 3, ErrorKind::BrokenPipe));
        assert!(out.write("ab").unwrap() && out.write("").unwrap());
        assert!(!out.write("cd").unwrap());
        out.to.1 = 100;
        assert!(!out.write("e").unwrap());
        assert_eq!(out.to.0, b"ab");
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let mut out = Output::new(Pipe(vec![], 0, ErrorKind::StorageFull));
        let error = out.write("a").unwrap_err().to_string();
        assert!(
            error.starts_with("cannot write the standard output: "),
            "{error}"
        );
    }
}
