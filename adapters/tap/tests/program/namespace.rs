//! A network of our own on this host, which takes root.

use std::{
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// A network namespace with a TAP device `tap0` in it, whose host is 10.9.0.1. Removed when it is dropped.
pub(crate) struct Namespace(String);

impl Namespace {
    /// Makes one; or says why not, and that the test is skipped.
    pub(crate) fn make() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("skep-tap-{}-{number}", std::process::id());
        if !std::path::Path::new("/dev/net/tun").exists() {
            println!("skipped: there is no /dev/net/tun here");
            return None;
        }
        if !is_done(Command::new("ip").args(["netns", "add", &name])) {
            println!("skipped: no network namespace can be made here; that takes root, and iproute2");
            return None;
        }
        let namespace = Self(name);
        for step in [
            "ip link set lo up",
            "ip tuntap add tap0 mode tap",
            "ip address add 10.9.0.1/24 dev tap0",
            "ip link set tap0 up",
        ] {
            if !is_done(namespace.command("sh").args(["-c", step])) {
                println!("skipped: no TAP device can be made here (\"{step}\" failed)");
                return None;
            }
        }
        Some(namespace)
    }

    /// A program in it.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0, program]);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = is_done(Command::new("ip").args(["netns", "del", &self.0]));
    }
}

fn is_done(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
