//! Settings of endpoints for tests.

use skep_core::{rdt, wire::rdt::Terms};

/// A host's settings with these windows in both directions and this segment, in skep's own language.
pub fn own_settings(window: u32, segment: u16) -> rdt::Settings {
    rdt::Settings { terms: Terms { window, segment }, window, ..rdt::Settings::HOST }
}

/// A host's settings towards known peers: window 1 is stop-and-wait.
pub fn known_settings(window: u32, segment: u16) -> rdt::Settings {
    rdt::Settings { known_window: window, known_segment: segment, ..rdt::Settings::HOST }
}
