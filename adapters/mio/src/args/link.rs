//! What `get` and `put` say about the way to the other side.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::{Pace, magic::Magic, number::seconds};
use crate::url::{BadUrl, Scheme};

/// How to speak with the other side.
#[derive(Args, Clone, Debug)]
pub struct Link {
    /// RDT: use none of skep's extensions (otherwise found out by trying)
    #[arg(long)]
    pub legacy: bool,

    /// RDT: send packet types as ASCII digits (otherwise found out by trying)
    #[arg(long)]
    pub ascii_types: bool,

    /// RDT: packets under way at most; 1 is stop-and-wait
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub window: Option<u16>,

    /// RDT: one datagram a call of the system, for paths on which segmentation offload fails
    #[arg(long)]
    pub no_gso: bool,

    /// RDT: neither use nor keep what an earlier visit to the server has left, which saves a round trip
    #[arg(long)]
    pub no_cache: bool,

    /// RDT: what begins each datagram, text or 0x and hex digits [default: ROSTOV]
    #[arg(long, value_name = "MAGIC")]
    pub magic: Option<Magic>,

    /// RDT: write what happens on the connection into this file, as qlog; see skep plot
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,

    /// skep://: what carries the sealed transfer; by default UDP, and TCP where that does not get through
    #[arg(long, value_name = "WAY", value_enum)]
    pub via: Option<Via>,

    /// skep://: log in with the password of this account instead of with your key
    #[arg(long, value_name = "NAME", conflicts_with = "key")]
    pub user: Option<String>,

    /// skep://: the file that the password is in [default: ask, or $SKEP_PASSWORD]
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,

    /// skep://: the file of your secret key [default: see skep key]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Give up when the other side is silent for so many seconds
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = seconds)]
    pub timeout: Duration,
}

/// What carries a sealed transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Via {
    /// RDT on UDP.
    Udp,
    /// TCP.
    Tcp,
}

impl Link {
    /// The magic to use.
    pub fn magic(&self) -> Magic {
        self.magic.clone().unwrap_or_default()
    }

    /// Makes sure that every option has a meaning for this scheme, also those about what is sent: one that is silently
    /// ignored misleads.
    ///
    /// # Errors
    /// An option of RDT was given for another scheme.
    pub fn fits(&self, scheme: Scheme, pace: Pace) -> Result<(), BadUrl> {
        // Whether it was given, and whether it is about what is sealed, too, as long as that goes over RDT.
        let of_rdt = [
            ("--legacy", self.legacy, false),
            ("--ascii-types", self.ascii_types, false),
            ("--window", self.window.is_some(), true),
            ("--magic", self.magic.is_some(), false),
            ("--no-cache", self.no_cache, false),
            ("--trace", self.trace.is_some(), true),
            ("--congestion", pace.congestion.is_some(), true),
            ("--rate", pace.rate.is_some(), true),
            ("--no-gso", self.no_gso, true),
        ];
        let is_in_vain = |is_of_both: bool| match scheme {
            Scheme::Rdt => false,
            Scheme::Skep => !is_of_both || self.via == Some(Via::Tcp),
            Scheme::Tcp | Scheme::Path => true,
        };
        let mut in_vain =
            of_rdt.into_iter().filter(|&(_, is_given, is_of_both)| is_given && is_in_vain(is_of_both));
        match in_vain.next() {
            Some((option, _, true)) if scheme == Scheme::Skep => Err(BadUrl::because(format!(
                "{option} is for RDT and has no meaning with --via tcp; leave one of them out"
            ))),
            Some((option, ..)) => Err(BadUrl::because(format!(
                "{option} is for rdt:// and has no meaning for {scheme}://; leave it out"
            ))),
            None if scheme != Scheme::Skep
                && (self.via.is_some() || self.key.is_some() || self.user.is_some()) =>
            {
                let option = match (self.via, &self.user) {
                    (Some(_), _) => "--via",
                    (None, Some(_)) => "--user",
                    (None, None) => "--key",
                };
                Err(BadUrl::because(format!(
                    "{option} is for skep:// and has no meaning for {scheme}://; leave it out"
                )))
            }
            None => Ok(()),
        }
    }
}
