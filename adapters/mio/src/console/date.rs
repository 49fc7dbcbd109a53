//! The date that some servers want in each command.

use jiff::Timestamp;
use skep_core::wire::command::DATE_LENGTH;
use std::time::SystemTime;

/// `DD/MM/YYYY HH:MM:SS`, in UTC: nobody is told a time zone, so there is only one that both sides know.
pub(super) fn of(time: SystemTime) -> [u8; DATE_LENGTH] {
    let text = Timestamp::try_from(time).map(|time| time.strftime("%d/%m/%Y %H:%M:%S").to_string());
    let text = text.ok().and_then(|text| text.as_bytes().try_into().ok());
    // Of a clock that is out of all range.
    text.unwrap_or(*b"31/12/9999 23:59:59")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, date) in [
            (0, "01/01/1970 00:00:00"),
            (951_782_399, "28/02/2000 23:59:59"),
            (951_782_400, "29/02/2000 00:00:00"),
            (951_868_800, "01/03/2000 00:00:00"),
            (1_735_689_599, "31/12/2024 23:59:59"),
            (1_795_190_645, "20/11/2026 16:04:05"),
            (4_107_542_400, "01/03/2100 00:00:00"),
            (u64::MAX >> 24, "31/12/9999 23:59:59"),
        ] {
            let text = of(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(std::str::from_utf8(&text).unwrap(), date);
        }
    }
}
