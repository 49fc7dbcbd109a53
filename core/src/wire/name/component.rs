//! One component of a name.

/// Whether it means the same everywhere: nothing that is hidden, leads up or is taken for an option, and nothing that
/// Windows would change or take for a device.
pub(super) fn is_good(component: &[u8]) -> bool {
    match (component.first(), component.last()) {
        (None, _) | (_, None) => false,
        (Some(b'.' | b'-'), _) | (_, Some(b'.' | b' ')) => false,
        _ => !is_device(component),
    }
}

const DEVICES: [&[u8]; 6] = [b"CON", b"PRN", b"AUX", b"NUL", b"CONIN$", b"CONOUT$"];
/// These have a digit behind them; superscript one, two and three are such, too.
const PORTS: [&[u8]; 2] = [b"COM", b"LPT"];

/// Whether Windows would open a device: its name in any case, and whatever follows a dot (CVE-2023-45284).
fn is_device(component: &[u8]) -> bool {
    let end = component.iter().position(|&byte| byte == b'.').unwrap_or(component.len());
    let stem = component.get(..end).unwrap_or_default().trim_ascii_end();
    let (devices, stem) = match stem {
        [port @ .., b'0'..=b'9'] | [port @ .., 0xc2, 0xb9 | 0xb2 | 0xb3] => (&PORTS[..], port),
        _ => (&DEVICES[..], stem),
    };
    devices.iter().any(|device| device.eq_ignore_ascii_case(stem))
}
