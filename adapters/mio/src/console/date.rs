//! The date that some servers want in each command.

use skep_core::wire::command::DATE_LENGTH;
use std::time::{SystemTime, UNIX_EPOCH};

/// `DD/MM/YYYY HH:MM:SS`, in UTC: nobody is told a time zone, so there is only one that both sides know.
pub(super) fn of(time: SystemTime) -> [u8; DATE_LENGTH] {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years are counted from March on: then the day that comes and goes is the last one of its year. An era is the 400
    // years after which the calendar is the same again; 1970 began 719,468 days after the first one did.
    let day = days + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = 400 * era + year + next;
    let text = format!(
        "{day:02}/{month:02}/{year:04} {:02}:{:02}:{:02}",
        second / 3_600,
        second / 60 % 60,
        second % 60
    );
    text.as_bytes().try_into().unwrap_or(*b"31/12/9999 23:59:59")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

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
