//! How fast this side sends over RDT.

use super::number::size;
use clap::{Args, ValueEnum};
use skep_core::rdt;

/// How fast this side sends over RDT: of those who send content.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Pace {
    /// RDT: what decides how fast this side sends
    #[arg(long, value_name = "HOW", value_enum)]
    pub congestion: Option<Congestion>,

    /// RDT: bytes a second that the path carries, if you know: this side keeps to that
    #[arg(long, value_name = "SIZE", value_parser = rate)]
    pub rate: Option<u64>,
}

/// What decides how fast one sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Congestion {
    /// A model of the path, its rate and its shortest round trip; random loss does not slow it
    Model,
    /// As most TCPs do (RFC 9438); any loss slows it
    Cubic,
    /// As older TCPs do (RFC 9002)
    Reno,
    /// The window alone: for links that nobody else uses, and that are faster than this machine. What is lost there
    /// slows nothing down
    None,
}

fn rate(text: &str) -> Result<u64, String> {
    match size(text)? {
        0 => Err("nothing would be sent; leave it out for no limit".to_owned()),
        rate => Ok(rate),
    }
}

impl Pace {
    /// Into the settings of an endpoint.
    pub fn set(&self, settings: &mut rdt::Settings) {
        if let Some(congestion) = self.congestion {
            settings.congestion = match congestion {
                Congestion::Model => rdt::control::Congestion::Model,
                Congestion::Cubic => rdt::control::Congestion::Cubic,
                Congestion::Reno => rdt::control::Congestion::Reno,
                Congestion::None => rdt::control::Congestion::Constant,
            };
        }
        settings.rate = self.rate.unwrap_or(settings.rate);
    }
}
