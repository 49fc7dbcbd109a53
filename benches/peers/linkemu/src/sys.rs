//! Namespaces, TUN/TAP devices and the few system calls the standard library lacks.
//!
//! SAFETY (all `unsafe` blocks here): the calls get descriptors this program owns and pointers to
//! locals that outlive the call; the zeroed structures are plain C data.

use std::fs::{self, File};
use std::io::{self, Error};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process::{Command, Stdio};

fn check(rc: i64) -> io::Result<i64> {
    if rc < 0 { Err(Error::last_os_error()) } else { Ok(rc) }
}

/// Runs `ip ARGS`; its error text becomes the error.
pub fn ip(args: &[&str]) -> io::Result<String> {
    let out = Command::new("ip").args(args).stdin(Stdio::null()).output()?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&out.stderr);
    Err(Error::other(format!("ip {}: {}", args.join(" "), text.trim())))
}

/// A named network namespace with one TUN/TAP end of the link; removed on drop
/// together with the processes still running in it.
pub struct End {
    pub name: String,
    pub tun: File,
    dev: String,
    home: File,
}

pub struct EndConfig<'a> {
    pub name: &'a str,
    pub addr: &'a str,
    pub dev: &'a str,
    pub mtu: u32,
    pub tap: bool,
    pub txqueuelen: u32,
}

impl End {
    pub fn new(c: &EndConfig) -> io::Result<End> {
        ip(&["netns", "add", c.name])?;
        let home = File::open("/proc/thread-self/ns/net")?;
        let made = in_namespace(c.name, &home, || {
            // Without IPv6 the kernel sends nothing of its own over the link.
            if !c.addr.contains(':') {
                let _ = fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
                let _ = fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
            }
            open_tun(c.dev, c.tap)
        });
        let tun = match made {
            Ok(tun) => tun,
            Err(e) => {
                let _ = ip(&["netns", "del", c.name]);
                return Err(e);
            }
        };
        let end = End { name: c.name.into(), tun, dev: c.dev.into(), home };
        let (mtu, qlen) = (c.mtu.to_string(), c.txqueuelen.to_string());
        ip(&["-n", c.name, "link", "set", "lo", "up"])?;
        ip(&["-n", c.name, "link", "set", c.dev, "mtu", &mtu, "txqueuelen", &qlen, "up"])?;
        ip(&["-n", c.name, "addr", "add", c.addr, "dev", c.dev])?;
        Ok(end)
    }

    /// Frames the kernel dropped because this program did not read fast enough.
    pub fn ring_drops(&self) -> u64 {
        let text = in_namespace(&self.name, &self.home, || fs::read_to_string("/proc/thread-self/net/dev"));
        let text = text.unwrap_or_default();
        let line = text.lines().find_map(|l| l.trim().strip_prefix(&format!("{}:", self.dev)));
        line.and_then(|l| l.split_whitespace().nth(11)?.parse().ok()).unwrap_or(0)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        for signal in [libc::SIGTERM, libc::SIGKILL] {
            let pids = ip(&["netns", "pids", &self.name]).unwrap_or_default();
            for pid in pids.split_whitespace().filter_map(|p| p.parse::<i32>().ok()) {
                unsafe { libc::kill(pid, signal) };
            }
            if !pids.trim().is_empty() {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
        if let Err(e) = ip(&["netns", "del", &self.name]) {
            eprintln!("linkemu: {e}");
        }
    }
}

fn in_namespace<T>(name: &str, home: &File, f: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let ns = File::open(format!("/run/netns/{name}"))?;
    let enter = |ns: &File| check(unsafe { libc::setns(ns.as_raw_fd(), libc::CLONE_NEWNET) }.into());
    enter(&ns)?;
    let result = f();
    enter(home)?;
    result
}

fn open_tun(dev: &str, tap: bool) -> io::Result<File> {
    let file = File::options().read(true).write(true).open("/dev/net/tun")?;
    let mut req: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in req.ifr_name.iter_mut().zip(dev.bytes().take(libc::IFNAMSIZ - 1)) {
        *to = from as libc::c_char;
    }
    let kind = if tap { libc::IFF_TAP } else { libc::IFF_TUN };
    req.ifr_ifru.ifru_flags = (kind | libc::IFF_NO_PI) as libc::c_short;
    check(unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut req) }.into())?;
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) }.into())?;
    Ok(file)
}

/// Nanoseconds on the monotonic clock.
pub fn now_ns() -> u64 {
    let mut t: libc::timespec = unsafe { std::mem::zeroed() };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut t) };
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

/// User and system CPU seconds of this process.
pub fn cpu_seconds() -> (f64, f64) {
    let mut u: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut u) };
    let secs = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 * 1e-6;
    (secs(u.ru_utime), secs(u.ru_stime))
}

/// Waits until one of `fds` is readable or `timeout_ns` has passed; says which are.
pub fn poll_readable<const N: usize>(fds: [i32; N], timeout_ns: Option<u64>) -> [bool; N] {
    let mut set = fds.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    let limit = timeout_ns.map(|ns| libc::timespec {
        tv_sec: (ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (ns % 1_000_000_000) as libc::c_long,
    });
    let limit_ptr = limit.as_ref().map_or(std::ptr::null(), |l| l as *const _);
    let rc = unsafe { libc::ppoll(set.as_mut_ptr(), N as libc::nfds_t, limit_ptr, std::ptr::null()) };
    set.map(|s| rc > 0 && s.revents != 0)
}

/// Blocks SIGINT, SIGTERM and SIGHUP and returns a descriptor that reports them.
pub fn signal_fd() -> io::Result<OwnedFd> {
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        for s in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            libc::sigaddset(&mut set, s);
        }
        check(libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()).into())?;
        let fd = check(libc::signalfd(-1, &set, libc::SFD_CLOEXEC).into())?;
        Ok(OwnedFd::from_raw_fd(fd as i32))
    }
}

/// Undoes the blocking of [`signal_fd`]; for a child before exec.
pub fn unblock_signals() -> io::Result<()> {
    unsafe {
        let empty: libc::sigset_t = std::mem::zeroed();
        check(libc::sigprocmask(libc::SIG_SETMASK, &empty, std::ptr::null_mut()).into())?;
    }
    Ok(())
}

/// A descriptor that becomes readable when process `pid` ends.
pub fn pid_fd(pid: u32) -> io::Result<OwnedFd> {
    let fd = check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Precise timers, and (if `realtime`) a real-time priority that children do not inherit.
pub fn tune_scheduling(realtime: bool) {
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1);
        let param = libc::sched_param { sched_priority: 1 };
        let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
        if realtime && libc::sched_setscheduler(0, policy, &param) != 0 {
            eprintln!("linkemu: no real-time priority: {}", Error::last_os_error());
        }
    }
}
