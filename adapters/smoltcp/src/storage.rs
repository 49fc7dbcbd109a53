//! Where the files are.
//!
//! A request is answered at once, or later: a store that is synchronous always says [`Poll::Ready`]; one behind a DMA
//! channel or a task of its own says [`Poll::Pending`], and is asked again.
//!
//! ```text
//!   open, create, commit ──► Pending ──► completed, again and again ──► Ready
//!   read, write          ──► Pending ──► the same request again     ──► Ready
//! ```
//!
//! What was pending is asked again, or let go by [`Storage::release`], if its stream has ended meanwhile; nothing else of that
//! file is asked before. Content that is to be written is there only during the request: a store that goes on with it later
//! copies it before it says `Pending`. Meanwhile every connection of the `Rdt` that asks is held up.
//!
//! A write is over when the store has taken the bytes: they may be in a buffer of its own still. What it finds out
//! later to have gone wrong it says at the next write, or at the commit, which is over only when the whole file is
//! durable and visible under its name.

#[cfg(feature = "nor-flash")]
pub mod nor;
mod ram;
mod rom;
mod split;
#[cfg(test)]
mod tests;

#[cfg(feature = "nor-flash")]
pub use nor::Nor;
pub use ram::Ram;
pub use rom::Rom;
pub use split::Split;

use core::{task::Poll, time::Duration};
use skep_core::{
    stream::{Fault, FileId},
    wire::Name,
};

/// A store that is busy, or owes an answer, is asked again after so long, if nothing else makes a turn before.
pub(crate) const ASK_AGAIN: Duration = Duration::from_millis(1);

/// What a request comes to.
pub type Answer<T> = Poll<Result<T, Fault>>;

/// A store of files.
///
/// A [`FileId`] is in use from `open` or `create`, also one that failed, to `release`. One that was never asked for, as
/// too many requests were pending, may be released, too. [`Fault::Busy`] is for a store that has no room for another open
/// file, [`Fault::NoSpace`] for one that has none for content.
pub trait Storage {
    /// Writes should begin and end at multiples of this many bytes. Segments are made so that they do where the peer
    /// plays along; what does not fit, the store has to keep until more comes.
    const WRITE_UNIT: usize;

    /// Bytes that are erased at once; 1 where nothing has to be erased. `create` erases, or the writes do.
    const ERASE_UNIT: usize;

    /// Whether a file can be written in any order. Where not, each write begins where the one before it ended: what
    /// comes early over RDT is dropped, and comes again.
    const RANDOM_WRITES: bool;

    /// Opens a file for reading; the answer is its length.
    fn open(&mut self, file: FileId, name: Name<'_>) -> Answer<u64>;

    /// Begins a file, which nobody sees before it is committed. The answer is any number.
    fn create(&mut self, file: FileId, name: Name<'_>, length: Option<u64>) -> Answer<u64>;

    /// Makes a created file durable and visible under its name, in one step; the answer is its length.
    fn commit(&mut self, file: FileId) -> Answer<u64>;

    /// The answer to an `open`, `create` or `commit` that is pending.
    fn completed(&mut self, file: FileId) -> Answer<u64> {
        let _ = file;
        Poll::Ready(Err(Fault::Failed))
    }

    /// Reads a part of a file that is open, all of it. [`Fault::Changed`]: it is not there any more.
    fn read(&mut self, file: FileId, offset: u64, into: &mut [u8]) -> Answer<()>;

    /// Writes a part of a file that was created. No byte is written twice. Who says `Pending` has copied them, or waits until
    /// they are there again.
    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Answer<()>;

    /// Lets a file go. What was created and not committed is removed, or kept to be resumed.
    fn release(&mut self, file: FileId);

    /// How many bytes of an unfinished file of this name and length are kept, from its start on, and need not be
    /// received again. Who asks this goes on there: the [`Storage::create`] of the same that follows keeps them, and
    /// the first write is behind them. Who does not ask begins anew.
    fn resume_point(&mut self, name: Name<'_>, length: u64) -> u64 {
        let _ = (name, length);
        0
    }
}

/// Copies a part of a file's content, all of it or nothing.
fn copy(content: &[u8], offset: u64, into: &mut [u8]) -> Result<(), Fault> {
    let start = usize::try_from(offset).map_err(|_| Fault::Changed)?;
    let end = start.checked_add(into.len()).ok_or(Fault::Changed)?;
    into.copy_from_slice(content.get(start..end).ok_or(Fault::Changed)?);
    Ok(())
}
