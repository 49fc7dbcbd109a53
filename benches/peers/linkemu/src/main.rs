//! linkemu: two network namespaces joined by an emulated link. See README.md.

mod cli;
mod model;
mod sys;

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode};

use cli::Options;
use model::Direction;
use sys::{End, EndConfig, now_ns, poll_readable};

/// Frames taken from one device before the other gets its turn.
const BATCH: usize = 64;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let options = match Options::parse(&args) {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("linkemu: {e}\n(try --help)");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(code) => ExitCode::from(code),
        Err(e) => {
            eprintln!("linkemu: {e}");
            ExitCode::from(125)
        }
    }
}

fn run(o: &Options) -> io::Result<u8> {
    let signals = sys::signal_fd()?;
    if o.replace {
        for name in [&o.ns_a, &o.ns_b] {
            let _ = sys::ip(&["netns", "del", name]);
        }
    }
    let end = |name, addr, dev| {
        End::new(&EndConfig { name, addr, dev, mtu: o.mtu, tap: o.tap, txqueuelen: o.txqueuelen })
    };
    let a = end(&o.ns_a, &o.addr_a, "emu0")?;
    let b = end(&o.ns_b, &o.addr_b, "emu0")?;

    let ip_at = if o.tap { 14 } else { 0 };
    let mut link = Link {
        pipes: [
            Pipe::new(&a, &b, Direction::new(o.ab.clone(), o.seed, 0, ip_at)),
            Pipe::new(&b, &a, Direction::new(o.ba.clone(), o.seed, 1, ip_at)),
        ],
        frame_size: o.mtu as usize + if o.tap { 18 } else { 0 },
        waker: Waker { limit: o.spin_ns, lead: 0, budget: 0, then: now_ns() },
    };

    let mut child = match o.command.split_first() {
        Some((program, args)) => {
            let mut command = Command::new(program);
            command.args(args).env("LINKEMU_NS_A", &o.ns_a).env("LINKEMU_NS_B", &o.ns_b);
            // SAFETY: only resets the signal mask, which is async-signal-safe.
            unsafe { command.pre_exec(sys::unblock_signals) };
            Some(command.spawn().map_err(|e| io::Error::new(e.kind(), format!("{program}: {e}")))?)
        }
        None => {
            eprintln!("linkemu: link is up, stop with Ctrl-C");
            None
        }
    };
    sys::tune_scheduling(o.realtime);
    let code = relay(&mut link, &mut child, signals.as_raw_fd())?;
    if !o.quiet {
        report(&link);
    }
    Ok(code)
}

/// One direction with its devices and its own accuracy: how late frames left.
struct Pipe<'a> {
    from: &'a End,
    to: &'a End,
    model: Direction,
    write_errors: u64,
    /// Frames by lateness: entry i counts those below 2^i microseconds.
    late: [u64; 24],
}

struct Link<'a> {
    pipes: [Pipe<'a>; 2],
    frame_size: usize,
    waker: Waker,
}

/// Decides how long to sleep before a due time. A sleeping CPU wakes late, so it wakes early by the
/// lateness seen lately and polls for the rest, for at most an eighth of the time.
struct Waker {
    /// Upper limit of `lead`; 0 turns polling off.
    limit: u64,
    /// Mean lateness of wake-ups.
    lead: u64,
    /// Nanoseconds of polling allowed now.
    budget: u64,
    then: u64,
}

impl Waker {
    /// The time to sleep from `now` until (a little before) `due`; 0 means to poll.
    fn sleep_ns(&mut self, now: u64, due: u64) -> u64 {
        self.budget = (self.budget + (now - self.then) / 8).min(1_000_000);
        self.then = now;
        let left = due.saturating_sub(now);
        let lead = self.lead.min(self.limit);
        if self.budget < lead { left } else { left.saturating_sub(lead) }
    }

    /// Learns from a wait that was to end at `until` and that nothing else ended.
    fn woke(&mut self, now: u64, until: u64) {
        self.lead = (7 * self.lead + now.saturating_sub(until)) / 8;
    }

    /// Accounts for time spent polling.
    fn polled(&mut self, now: u64) {
        self.budget = self.budget.saturating_sub(now - self.then);
    }
}

impl<'a> Pipe<'a> {
    fn new(from: &'a End, to: &'a End, model: Direction) -> Self {
        Pipe { from, to, model, write_errors: 0, late: [0; 24] }
    }

    /// Reads up to a batch of waiting frames; true if there may be more.
    fn fill(&mut self, frame_size: usize) -> io::Result<bool> {
        for _ in 0..BATCH {
            let mut frame = self.model.buffer(frame_size);
            match (&self.from.tun).read(&mut frame.data) {
                Ok(len) => {
                    frame.len = len;
                    self.model.enqueue(now_ns(), frame);
                }
                Err(e) => {
                    self.model.recycle(frame);
                    return if e.kind() == ErrorKind::WouldBlock { Ok(false) } else { Err(e) };
                }
            }
        }
        Ok(true)
    }

    /// Writes the frames that are due, at most a batch.
    fn drain(&mut self) {
        for _ in 0..BATCH {
            let now = now_ns();
            let Some((due, frame)) = self.model.pop_due(now) else { return };
            let late_us = (now - due) / 1000;
            let bucket = (u64::BITS - late_us.leading_zeros()) as usize;
            self.late[bucket.min(self.late.len() - 1)] += 1;
            if (&self.to.tun).write(&frame.data[..frame.len]).is_err() {
                self.write_errors += 1;
            }
            self.model.recycle(frame);
        }
    }

    /// The smallest power-of-two bound in microseconds that `share` of the frames kept.
    fn late_us(&self, share: f64) -> u64 {
        let total: u64 = self.late.iter().sum();
        let mut seen = 0;
        let within = self.late.iter().position(|n| {
            seen += n;
            seen as f64 >= share * total as f64
        });
        1 << within.unwrap_or(0)
    }
}

/// Moves frames until the child has ended (or, without one, a signal came).
fn relay(link: &mut Link, child: &mut Option<Child>, signals: i32) -> io::Result<u8> {
    let child_fd = child.as_ref().map(|c| sys::pid_fd(c.id())).transpose()?;
    let child_raw = child_fd.as_ref().map_or(-1, |fd| fd.as_raw_fd());
    let tuns = [link.pipes[0].from.tun.as_raw_fd(), link.pipes[1].from.tun.as_raw_fd()];
    let mut busy = false;
    let mut signal_count = 0;
    loop {
        let start = now_ns();
        let next = link.pipes.iter().filter_map(|p| p.model.next_due()).min();
        let sleep = match next {
            _ if busy => Some(0),
            Some(due) => Some(link.waker.sleep_ns(start, due)),
            None => None,
        };
        let [in_a, in_b, ended, signalled] = poll_readable([tuns[0], tuns[1], child_raw, signals], sleep);
        match sleep {
            Some(0) if !busy => link.waker.polled(now_ns()),
            Some(ns) if ns > 0 && !(in_a || in_b) => link.waker.woke(now_ns(), start + ns),
            _ => {}
        }
        busy = false;
        for (pipe, ready) in link.pipes.iter_mut().zip([in_a, in_b]) {
            if ready {
                busy |= pipe.fill(link.frame_size)?;
            }
        }
        for pipe in &mut link.pipes {
            pipe.drain();
        }
        if ended && let Some(child) = child {
            let status = child.wait()?;
            return Ok(status.code().unwrap_or(128).clamp(0, 255) as u8);
        }
        if signalled {
            let mut info = [0u8; 128];
            // SAFETY: `info` is as long as said; a signalfd record has 128 bytes.
            unsafe { libc::read(signals, info.as_mut_ptr().cast(), info.len()) };
            let Some(child) = child else { return Ok(0) };
            let signal = if signal_count == 0 { libc::SIGTERM } else { libc::SIGKILL };
            // SAFETY: the child has not been waited for, so its pid is still its own.
            unsafe { libc::kill(child.id() as i32, signal) };
            signal_count += 1;
        }
    }
}

fn report(link: &Link) {
    for p in &link.pipes {
        let s = &p.model.stats;
        eprintln!(
            "linkemu: {}>{} in {} ({} B) out {} ({} B) lost {} queue-drop {} dup {} reorder {} corrupt {} \
             ring-drop {} write-err {} held-max {} late-us p50<{} p99<{} max<{}",
            p.from.name,
            p.to.name,
            s.in_frames,
            s.in_bytes,
            s.out_frames,
            s.out_bytes,
            s.lost,
            s.queue_drops,
            s.duplicated,
            s.reordered,
            s.corrupted,
            p.from.ring_drops(),
            p.write_errors,
            s.held_max,
            p.late_us(0.5),
            p.late_us(0.99),
            p.late_us(1.0)
        );
    }
    let (user, system) = sys::cpu_seconds();
    eprintln!("linkemu: cpu {user:.2} s user {system:.2} s system");
}
