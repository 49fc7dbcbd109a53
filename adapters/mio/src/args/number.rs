//! Sizes, times and shares as people write them.

use std::time::Duration;

use crate::identity::LIFE_MAX;

/// The longest time that can be asked for: a day.
const SECONDS_MAX: f64 = 86_400.0;

/// A number of bytes: `4096`, `10K`, `10KiB`, `10KB`, and so on.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let (step, exponent) = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => (1, 0),
        "k" | "kib" => (1024u64, 1),
        "m" | "mib" => (1024, 2),
        "g" | "gib" => (1024, 3),
        "t" | "tib" => (1024, 4),
        "kb" => (1000, 1),
        "mb" => (1000, 2),
        "gb" => (1000, 3),
        "tb" => (1000, 4),
        _ => return Err(format!("\"{unit}\" is no unit; there are K, KiB, KB and so on for M, G and T")),
    };
    let count: u64 =
        digits.parse().map_err(|_| "it is a whole number with or without a unit, like 10M".to_owned())?;
    count.checked_mul(step.pow(exponent)).ok_or_else(|| "no file is that large".to_owned())
}

/// A time in seconds, with or without a fraction.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.001..=SECONDS_MAX).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("it is a number of seconds, more than 0 and at most {SECONDS_MAX}")),
    }
}

/// A time in milliseconds; 0 is none.
pub(super) fn milliseconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(count) if (0.0..=10_000.0).contains(&count) => Ok(Duration::from_secs_f64(count / 1000.0)),
        _ => Err("it is a number of milliseconds, at most 10000".into()),
    }
}

/// A time in which something ends: `90s`, `15m`, `24h`, `7d`.
pub(super) fn life(text: &str) -> Result<Duration, String> {
    let wrong = || "it is a whole number with s, m, h or d behind it, like 15m".to_owned();
    let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let step = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let count: u32 =
        if digits.bytes().all(|digit| digit.is_ascii_digit()) { digits.parse().ok() } else { None }
            .ok_or_else(wrong)?;
    let life = Duration::from_secs(u64::from(count) * step);
    if life.is_zero() || life > LIFE_MAX {
        return Err(format!("it is at least 1s and at most {}d", LIFE_MAX.as_secs() / 86_400));
    }
    Ok(life)
}

/// A share of a hundred, below the one at which nothing arrives.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    match text.strip_suffix('%').unwrap_or(text).parse::<f64>() {
        Ok(share) if (0.0..=90.0).contains(&share) => Ok(share),
        _ => Err("it is a number from 0 to 90".into()),
    }
}
