//! One line of the log: over defmt, over the crate log, or not at all.

/// `log!(debug, "text {} {:?}", value, other)`. The levels are trace, debug, info, warn and error. Without either
/// feature the arguments are checked by the compiler, and nothing is left of the line.
macro_rules! log {
    ($level:ident, $($arguments:tt)+) => {{
        #[cfg(feature = "defmt")]
        defmt::$level!($($arguments)+);
        #[cfg(all(feature = "log", not(feature = "defmt")))]
        log::$level!($($arguments)+);
        #[cfg(not(any(feature = "defmt", feature = "log")))]
        let _ = || { let _ = core::format_args!($($arguments)+); };
    }};
}
