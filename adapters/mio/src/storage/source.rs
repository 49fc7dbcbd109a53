//! A file that is read, and watched for changes.

use std::{fs::File, io, io::IoSliceMut, path::Path, time::Duration};

use skep_core::stream::Fault;

use super::{fault::moving, positioned, stamp::Stamp};

/// A regular file, open for reading.
///
/// # What never arrives as a mixture
///
/// A sender reads ranges of a file over minutes, some of them again. So a caller
///
/// 1. reads a range,
/// 2. calls [`Source::unchanged`],
/// 3. and only then lets the bytes out.
///
/// A write stamps the file before it changes it. So when the stamp is still that of the opening after a range was read,
/// all of the range is from the state at the opening: everything that leaves is of one state, and after a change
/// nothing more leaves. Size, time of modification and time of change count, in nanoseconds.
///
/// Three things the stamps cannot show: a single `write` call that began before the opening and still goes on, stores
/// through a memory map (the kernel stamps these when it gets round to it), and a machine whose clock was set
/// back to the very nanosecond. And a file that has just changed may change again unseen, until the clock of the kernel
/// has moved on: nothing is to be read before it [is settled](Self::settle). Bytes that are moved by reference (`sendfile`) are looked at only when they leave the
/// machine: there a check afterwards can end a transfer, but not call back what left.
#[derive(Debug)]
pub struct Source {
    file: File,
    opened: Stamp,
}

/// So long after its opening a file is taken for settled that is written all the time: more than a tick of the slowest
/// kernel (10 ms).
pub const SETTLING: Duration = Duration::from_millis(12);

impl Source {
    /// Opens a file of the user's own choice: links are followed, any path will do. Waits until it is settled.
    ///
    /// # Errors
    /// It cannot be opened, or is not a regular file.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut options = File::options();
        options.read(true);
        // Or a FIFO would hold us here until somebody writes to it.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
        let opened = Self::new(options.open(path)?)?;
        let mut source = opened.ok_or_else(|| io::Error::other("it is not a regular file of some length"))?;
        for _ in 0..SETTLING.as_millis() {
            if source.settle()? {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(source)
    }

    /// A source of an open file, or `None` when that is not a regular one, or one that does not say how long it is.
    pub(super) fn new(file: File) -> io::Result<Option<Self>> {
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let opened = Stamp::of(&file)?;
        // What is made while it is read, as below /proc, has no length of its own.
        let has_no_length = opened.size == 0
            && positioned::read_exact(&file, &mut [0], 0).is_ok()
            && Stamp::of(&file)?.size == 0;
        Ok((!has_no_length).then_some(Self { file, opened }))
    }

    /// Looks whether every change of the file will be seen from now on; its length may be another one than before. Rarely
    /// not at once, and never for longer than [`SETTLING`] unless somebody writes all the time.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn settle(&mut self) -> io::Result<bool> {
        self.opened = Stamp::of(&self.file)?;
        Ok(self.opened.is_settled())
    }

    /// Bytes in the file when it was opened. (A file without any is a file too.)
    #[expect(clippy::len_without_is_empty, reason = "it is the length of a transfer, not of a collection")]
    pub fn len(&self) -> u64 {
        self.opened.size
    }

    /// Fills the buffer from a place in the file. See the [type](Self) for what has to follow.
    ///
    /// # Errors
    /// [`Fault::Changed`] when the file is shorter than that by now; [`Fault::Failed`] when reading fails.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), Fault> {
        positioned::read_exact(&self.file, buffer, offset).map_err(|error| reading(&error))
    }

    /// Fills all buffers, one after the other, from a place in the file on. The slice is used up by that.
    ///
    /// # Errors
    /// As [`Source::read_at`].
    pub fn read_vectored_at(&self, buffers: &mut [IoSliceMut<'_>], offset: u64) -> Result<(), Fault> {
        positioned::read_exact_vectored(&self.file, buffers, offset).map_err(|error| reading(&error))
    }

    /// Whether the file is still what it was when it was opened.
    ///
    /// # Errors
    /// [`Fault::Changed`] when it is not; [`Fault::Failed`] when that cannot be told.
    pub fn unchanged(&self) -> Result<(), Fault> {
        let now = Stamp::of(&self.file).map_err(|error| moving(&error))?;
        if self.opened.same_content(&now) { Ok(()) } else { Err(Fault::Changed) }
    }

    /// The open file, for calls that move bytes without showing them to the program.
    pub fn file(&self) -> &File {
        &self.file
    }
}

fn reading(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::Changed,
        _ => moving(error),
    }
}
