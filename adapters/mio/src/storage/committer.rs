//! Making files durable, and letting go of those that came to nothing, without holding up the network.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{Builder, JoinHandle},
};

use mio::Waker;
use skep_core::stream::Fault;

use super::Part;

enum Job<K> {
    Commit { key: K, part: Part, replace: bool },
    Discard(Part),
}

type Answer<K> = (K, Result<u64, Fault>);

/// A thread that commits parts or removes them, one after the other: a disk may take seconds for that (many GiB to be freed
/// take it, too), and the network loop has one thread. Wakes the loop for each that is committed. What was ordered is
/// done, even when this is dropped.
#[derive(Debug)]
pub struct Committer<K: Send + 'static> {
    waker: Arc<Waker>,
    worker: Option<Worker<K>>,
    /// There will be something to do.
    is_expected: bool,
    answer: Sender<Answer<K>>,
    done: Receiver<Answer<K>>,
    /// Answers that were not fetched.
    under_way: usize,
    /// Something was discarded, which nobody is told the end of.
    has_discarded: bool,
}

/// The thread, which ends when no more jobs can come.
#[derive(Debug)]
struct Worker<K> {
    jobs: Sender<Job<K>>,
    thread: JoinHandle<()>,
}

impl<K: Send + 'static> Committer<K> {
    /// One whose thread is not started yet.
    #[must_use]
    pub fn new(waker: Arc<Waker>) -> Self {
        let (answer, done) = channel();
        Self { waker, worker: None, is_expected: false, answer, done, under_way: 0, has_discarded: false }
    }

    /// A file is begun, which will be committed.
    pub fn expect(&mut self) {
        self.is_expected = true;
    }

    /// Starts the thread if there will be something to do for it. That takes a fifth of a millisecond: best when all who
    /// wait are answered.
    pub fn prepare(&mut self) {
        if std::mem::take(&mut self.is_expected) {
            // If that fails now, it may not when the file is whole.
            let _ = self.start();
        }
    }

    fn start(&mut self) -> io::Result<()> {
        if self.worker.is_none() {
            let (jobs, to_do) = channel::<Job<K>>();
            let (waker, answer) = (Arc::clone(&self.waker), self.answer.clone());
            let thread = Builder::new().name("skep-commit".into()).spawn(move || {
                for job in to_do {
                    match job {
                        Job::Commit { key, part, replace } => {
                            // When the owner is gone nobody wants the answer; the rest is still committed.
                            let _ = answer.send((key, part.commit(replace)));
                            let _ = waker.wake();
                        }
                        Job::Discard(part) => drop(part),
                    }
                }
            })?;
            self.worker = Some(Worker { jobs, thread });
        }
        Ok(())
    }

    /// Commits a part in its turn; the answer comes from [`Committer::committed`] under this key.
    pub fn commit(&mut self, key: K, part: Part, replace: bool) {
        self.under_way += 1;
        match (self.start(), &self.worker) {
            (Ok(()), Some(worker)) => {
                // It fails only when the thread is gone, which takes a panic there: the part is dropped, and removed.
                let _ = worker.jobs.send(Job::Commit { key, part, replace });
            }
            _ => {
                let _ = self.answer.send((key, Err(Fault::Failed)));
                let _ = self.waker.wake();
            }
        }
    }

    /// Removes a part in its turn. Without a thread for it, at once.
    pub fn discard(&mut self, part: Part) {
        if self.start().is_ok()
            && let Some(worker) = &self.worker
        {
            self.has_discarded = true;
            // As above.
            let _ = worker.jobs.send(Job::Discard(part));
        }
    }

    /// The next one that is done: its length, or why it failed. `None`: none at the moment.
    pub fn committed(&mut self) -> Option<(K, Result<u64, Fault>)> {
        let answer = self.done.try_recv().ok()?;
        self.under_way -= 1;
        Some(answer)
    }

    /// Waits until all is committed or removed, and gives the answers that were not fetched: for the end of a program.
    pub fn drain(mut self) -> Vec<(K, Result<u64, Fault>)> {
        self.finish();
        self.done.try_iter().collect()
    }

    /// Waits for the thread, unless it has nothing to do.
    fn finish(&mut self) {
        let has_work = self.under_way > 0 || self.has_discarded;
        if let Some(Worker { jobs, thread }) = self.worker.take().filter(|_| has_work) {
            drop(jobs);
            let _ = thread.join();
        }
    }
}

impl<K: Send + 'static> Drop for Committer<K> {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mio::{Events, Poll, Token};
    use skep_core::wire::Name;

    use super::*;
    use crate::storage::Directory;

    #[test]
    fn parts_are_committed_in_order_and_the_loop_is_woken() {
        let home = tempfile::tempdir().unwrap();
        let directory = Directory::open(home.path()).unwrap();
        let mut poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(7)).unwrap());
        let mut committer = Committer::new(waker);
        for key in 0..3u32 {
            let part = directory.create(Name::new(b"same").unwrap(), None).unwrap();
            part.write_at(&vec![b'x'; key as usize], 0).unwrap();
            committer.commit(key, part, key != 1);
        }
        let mut answers = Vec::new();
        let mut events = Events::with_capacity(8);
        while answers.len() < 2 {
            poll.poll(&mut events, Some(Duration::from_secs(10))).unwrap();
            assert!(events.iter().all(|event| event.token() == Token(7)));
            assert!(!events.is_empty(), "not woken");
            while answers.len() < 2
                && let Some(answer) = committer.committed()
            {
                answers.push(answer);
            }
        }
        answers.extend(committer.drain());
        assert_eq!(answers, [(0, Ok(0)), (1, Err(Fault::Exists)), (2, Ok(2))]);
        assert_eq!(std::fs::read(home.path().join("same")).unwrap(), b"xx");
        assert_eq!(home.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn what_was_ordered_is_done_even_when_nobody_waits() {
        let home = tempfile::tempdir().unwrap();
        let directory = Directory::open(home.path()).unwrap();
        let poll = Poll::new().unwrap();
        let mut committer = Committer::new(Arc::new(Waker::new(poll.registry(), Token(0)).unwrap()));
        committer.commit((), directory.create(Name::new(b"late").unwrap(), None).unwrap(), true);
        drop(committer);
        assert!(home.path().join("late").is_file());
    }

    #[test]
    fn what_is_discarded_is_removed_in_its_turn_and_nobody_is_woken() {
        let home = tempfile::tempdir().unwrap();
        let directory = Directory::open(home.path()).unwrap();
        let mut poll = Poll::new().unwrap();
        let mut committer = Committer::new(Arc::new(Waker::new(poll.registry(), Token(0)).unwrap()));
        let part = directory.create(Name::new(b"broken").unwrap(), Some(1 << 20)).unwrap();
        part.write_at(&[1; 5_000], 0).unwrap();
        committer.discard(part);
        assert_eq!(committer.drain(), [((), Ok(0)); 0]);
        assert_eq!(home.path().read_dir().unwrap().count(), 0);
        let mut events = Events::with_capacity(8);
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty());
    }
}
