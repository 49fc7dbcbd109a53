//! Linux's TAP devices (Documentation/networking/tuntap.rst of the kernel).

use std::{
    fs::{File, OpenOptions},
    io,
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
};

/// Attaches to a TAP device: what is read and written are Ethernet frames, and nothing before them.
pub(super) fn open(name: &str) -> io::Result<File> {
    // SAFETY: all zeros is a valid `ifreq`: it consists of integers and arrays of them, and unions of such.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays the zero that ends the name.
    if name.is_empty() || name.len() >= request.ifr_name.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the name of a device has 1 to 15 bytes"));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    // Attaching would make it, for who may, and then nobody had given it an address.
    // SAFETY: the name ends with a zero.
    if unsafe { libc::if_nametoindex(request.ifr_name.as_ptr()) } == 0 {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is no such device"));
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short;
    let file =
        OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
    // SAFETY: TUNSETIFF reads an `ifreq` from the pointer and writes one back, which is what is there.
    let attached = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    if attached < 0 { Err(io::Error::last_os_error()) } else { Ok(file) }
}
