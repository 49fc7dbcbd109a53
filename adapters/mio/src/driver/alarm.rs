//! Waits to the microsecond: a sender that is paced waits for less than the millisecond that polling can tell apart.

use mio::{Registry, Token};
use skep_core::Instant;
use std::{io, time::Duration};

/// Longer waits are left to polling: a millisecond more or less is nothing to them.
const PRECISE: Duration = Duration::from_millis(10);

/// Wakes the driver after a short time.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: Timer,
    /// When it rings, at the earliest.
    rings: Instant,
}

impl Alarm {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        Ok(Self { timer: Timer::new(registry, token)?, rings: Instant::ZERO })
    }

    /// Sees to it that polling ends after `wait`, or sooner; how long it is to wait itself. One that rings sooner is left as it
    /// is: most deadlines are put off again and again before they come, and to set it is a system call.
    pub(super) fn set(&mut self, now: Instant, wait: Option<Duration>) -> Option<Duration> {
        let Some(short) = wait.filter(|wait| !wait.is_zero() && *wait < PRECISE) else { return wait };
        let until = now + short;
        if now < self.rings && self.rings <= until {
            return None;
        }
        if !self.timer.set(short) {
            return wait;
        }
        self.rings = until;
        None
    }
}

#[cfg(target_os = "linux")]
use linux::Timer;

#[cfg(target_os = "linux")]
mod linux {
    use mio::{Interest, Registry, Token, unix::SourceFd};
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use std::{
        io,
        os::fd::{AsRawFd, OwnedFd},
        time::Duration,
    };

    /// A timer of the kernel. It is never read: setting it again forgets that it has rung, and polling tells of edges.
    #[derive(Debug)]
    pub(super) struct Timer(OwnedFd);

    impl Timer {
        pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
            let timer =
                timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
            Ok(Self(timer))
        }

        /// Rings once, after `wait`, and not for what was set before. `false`: it cannot.
        pub(super) fn set(&mut self, wait: Duration) -> bool {
            let once = Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() };
            let never = Timespec { tv_sec: 0, tv_nsec: 0 };
            let spec = Itimerspec { it_interval: never, it_value: once };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &spec).is_ok()
        }
    }
}

#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
struct Timer;

#[cfg(not(target_os = "linux"))]
impl Timer {
    fn new(_registry: &Registry, _token: Token) -> io::Result<Self> {
        Ok(Self)
    }

    fn set(&mut self, _wait: Duration) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll};

    #[test]
    #[cfg(target_os = "linux")]
    fn a_short_wait_ends_polling_and_a_long_one_is_left_to_it() {
        let mut poll = Poll::new().unwrap();
        let mut alarm = Alarm::new(poll.registry(), Token(7)).unwrap();
        let mut events = Events::with_capacity(4);
        let mut now = Instant::from_micros(1);
        for _ in 0..3 {
            assert_eq!(alarm.set(now, Some(Duration::from_micros(200))), None);
            poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
            assert_eq!(events.iter().map(mio::event::Event::token).collect::<Vec<_>>(), [Token(7)]);
            now = now + Duration::from_micros(200);
        }
        for wait in [None, Some(Duration::ZERO), Some(Duration::from_secs(1))] {
            assert_eq!(alarm.set(now, wait), wait);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn one_that_is_put_off_rings_as_it_was_set_and_one_that_is_wanted_sooner_does() {
        let mut poll = Poll::new().unwrap();
        let mut alarm = Alarm::new(poll.registry(), Token(7)).unwrap();
        let mut events = Events::with_capacity(4);
        let (now, millis) = (Instant::from_micros(1), Duration::from_millis);
        for waits in [[1, 9], [9, 1]] {
            for wait in waits {
                assert_eq!(alarm.set(now, Some(millis(wait))), None);
            }
            assert_eq!(alarm.rings, now + millis(1));
            poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
            assert!(!events.is_empty());
            // It has rung: the next one is set anew.
            let later = now + millis(1);
            assert_eq!(alarm.set(later, Some(millis(9))), None);
            assert_eq!(alarm.rings, later + millis(9));
        }
    }
}
