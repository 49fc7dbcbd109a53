//! What `join`, `ls` and `find` say about the tracker, and about who one is there.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use super::{Via, number::seconds, target};
use crate::{
    exit::Failure,
    url::{Scheme, Url},
};

/// How to log in.
#[derive(Args, Clone, Debug)]
pub struct Login {
    /// The tracker: its link, skep://KEY@HOST/, or HOST if its key is known
    #[arg(short, long, value_name = "LINK", value_parser = tracker, conflicts_with = "link_file")]
    pub server: Option<Url>,

    /// Read the link from this file, where no list of processes shows it; - is standard input [default: $SKEP_LINK]
    #[arg(long, value_name = "FILE")]
    pub link_file: Option<PathBuf>,

    /// Your name there [default: that on this machine]
    #[arg(short = 'u', long, value_name = "NAME")]
    pub name: Option<String>,

    /// Log in with a password instead of with your key: it is asked for, or in $SKEP_PASSWORD
    #[arg(long, conflicts_with = "key")]
    pub password: bool,

    /// The same, with the password that is in this file
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub password_file: Option<PathBuf>,

    /// The file of your secret key; it is made when there is none [default: see skep key]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// What carries the session and what is fetched; by default UDP, and TCP where that does not get through
    #[arg(long, value_name = "WAY", value_enum)]
    pub via: Option<Via>,

    /// Give a silent other side up after so many seconds
    #[arg(long, value_name = "SECS", default_value = "30", value_parser = seconds)]
    pub timeout: Duration,
}

impl Login {
    /// The tracker's link.
    ///
    /// # Errors
    /// There is none, or it cannot be read or understood.
    pub fn url(&self) -> Result<Url, Failure> {
        link(self.server.as_ref(), self.link_file.as_deref())
    }

    /// Whether one logs in with a password.
    pub fn is_by_password(&self) -> bool {
        self.password || self.password_file.is_some()
    }

    /// Who one is.
    ///
    /// # Errors
    /// Nobody has said it.
    pub fn who(&self) -> Result<String, Failure> {
        user_name(self.name.as_deref())
    }
}

/// A user's name: as given, or as on this machine.
///
/// # Errors
/// This machine does not say it either.
pub fn user_name(given: Option<&str>) -> Result<String, Failure> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let own = || set("USER").or_else(|| set("LOGNAME")).or_else(|| set("USERNAME"));
    given
        .map(str::to_owned)
        .or_else(own)
        .ok_or_else(|| Failure::usage("who are you at the tracker? Say it with -u NAME"))
}

/// The link of a tracker: as given, or from a file or $SKEP_LINK.
///
/// # Errors
/// There is none, or it cannot be read or understood.
pub(super) fn link(given: Option<&Url>, file: Option<&Path>) -> Result<Url, Failure> {
    sealed(target::link_or(given, "-s LINK", file)?).map_err(Failure::usage)
}

/// The link of a tracker; a host alone will do.
pub(super) fn tracker(text: &str) -> Result<Url, String> {
    let link = if text.contains("://") { text.to_owned() } else { format!("skep://{text}") };
    sealed(link.parse().map_err(|error: crate::url::BadUrl| error.to_string())?)
}

fn sealed(url: Url) -> Result<Url, String> {
    if url.scheme != Scheme::Skep {
        return Err(format!("a tracker is called by skep://, and not by {}://", url.scheme));
    }
    Ok(url)
}
