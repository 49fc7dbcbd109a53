//! Where a file is: a URL, or a link that others shall not see.

use std::{
    convert::Infallible,
    env,
    fs::File,
    io::{Read, stdin},
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;
use zeroize::Zeroizing;

use crate::{exit::Failure, url::Url};

/// Where a link may be that is neither an argument nor in a file.
pub(super) const VARIABLE: &str = "SKEP_LINK";

/// A link is shorter.
const LENGTH_MAX: u64 = 64 << 10;

/// Where the file is, or where it goes.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// Where the file is or goes; with --link-file or $SKEP_LINK, what follows that link
    #[arg(value_name = "URL")]
    place: Option<Place>,

    /// Read the link from this file, where no list of processes shows it; - is standard input
    #[arg(long, value_name = "FILE")]
    link_file: Option<PathBuf>,
}

/// What stands for it on the command line.
#[derive(Clone, Debug)]
enum Place {
    Url(Box<Url>),
    /// No URL by itself, and why not.
    Name(String, Failure),
}

impl FromStr for Place {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.parse() {
            Ok(url) => Self::Url(Box::new(url)),
            Err(error) => Self::Name(text.to_owned(), Failure::usage(format!("{error}"))),
        })
    }
}

impl Target {
    /// The URL. Reads the link, if it is not an argument.
    ///
    /// # Errors
    /// There is none, or two, or it cannot be read or understood.
    pub fn url(&self) -> Result<Url, Failure> {
        let elsewhere = elsewhere(self.link_file.as_deref())?;
        let name = match (&self.place, &elsewhere) {
            (Some(Place::Url(_)), Some(_)) if self.link_file.is_some() => {
                return Err(Failure::usage("give a URL or --link-file, and not both"));
            }
            (Some(Place::Url(url)), _) => return Ok(Url::clone(url)),
            (Some(Place::Name(_, why)), None) => return Err(why.clone()),
            (None, None) => {
                return Err(Failure::usage(format!("give a URL, --link-file FILE, or ${VARIABLE}")));
            }
            (Some(Place::Name(name, _)), Some(_)) => name.as_str(),
            (None, Some(_)) => "",
        };
        let (source, text) = elsewhere.unwrap_or_default();
        let link = find(&text).ok_or_else(|| Failure::usage(format!("there is no link in {source}")))?;
        let whole = join(link, name).ok_or_else(|| {
            Failure::usage(format!("the link in {source} has the name of a file already; leave {name} out"))
        })?;
        whole.parse().map_err(|error| Failure::usage(format!("{source}: {error}")))
    }
}

/// Where a link is that is no argument, and the text that it is in.
fn elsewhere(file: Option<&Path>) -> Result<Option<(String, Zeroizing<String>)>, Failure> {
    Ok(match (file, env::var(VARIABLE)) {
        (Some(path), _) => Some((path.display().to_string(), read(path)?)),
        (None, Ok(link)) => Some((format!("${VARIABLE}"), Zeroizing::new(link))),
        (None, Err(_)) => None,
    })
}

/// The link that is given, or else in a file, or else in the variable. `form` is how it is given.
///
/// # Errors
/// There is none, or it cannot be read or understood.
pub(crate) fn link_or(given: Option<&Url>, form: &str, file: Option<&Path>) -> Result<Url, Failure> {
    if let Some(given) = given {
        return Ok(given.clone());
    }
    let Some((source, text)) = elsewhere(file)? else {
        return Err(Failure::usage(format!("give {form}, --link-file FILE, or ${VARIABLE}")));
    };
    let link = find(&text).ok_or_else(|| Failure::usage(format!("there is no link in {source}")))?;
    link.parse().map_err(|error| Failure::usage(format!("{source}: {error}")))
}

fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = match path.to_str() {
        Some("-") => stdin().take(LENGTH_MAX).read_to_string(&mut text),
        _ => File::open(path).and_then(|file| file.take(LENGTH_MAX).read_to_string(&mut text)),
    };
    read.map_err(|error| Failure::cannot(format_args!("read {}", path.display()), &error))?;
    Ok(text)
}

/// The first link in a text, such as what `skep serve` and `skep invite` print.
fn find(text: &str) -> Option<&str> {
    text.split_whitespace().find(|word| word.contains("://"))
}

/// A link and what follows it. `None`: the link ends in the name of a file.
fn join(link: &str, name: &str) -> Option<Zeroizing<String>> {
    let (scheme, rest) = link.split_once("://")?;
    let is_open = rest.ends_with('/') || !rest.contains('/') || name.is_empty();
    let slash = if rest.contains('/') || name.is_empty() { "" } else { "/" };
    is_open.then(|| Zeroizing::new(format!("{scheme}://{rest}{slash}{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(place: Option<&str>, link: &str) -> Result<String, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("link");
        std::fs::write(&path, link).unwrap();
        let place = place.map(|place| place.parse().unwrap());
        let target = Target { place, link_file: Some(path) };
        target.url().map(|url| url.to_string()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_link_in_a_file_is_followed_by_what_the_user_names() {
        for (place, link, whole) in [
            (Some("a"), "tcp://h/", "tcp://h:7537/a"),
            (Some("a"), "  tcp://h\n", "tcp://h:7537/a"),
            (Some("b/c%20d"), "invite tcp://h:9/\n", "tcp://h:9/b/c d"),
            (None, "# from ann\ntcp://h/x\ntcp://h/y\n", "tcp://h:7537/x"),
            (Some("a"), "tcp://h/below/", "tcp://h:7537/below/a"),
        ] {
            assert_eq!(target(place, link).as_deref(), Ok(whole), "{link}");
        }
        assert!(target(Some("a"), "tcp://h/x").unwrap_err().contains("leave a out"));
        assert!(target(Some("a"), "nothing").unwrap_err().contains("there is no link in"));
        assert!(target(Some("tcp://h/a"), "tcp://h/").unwrap_err().contains("not both"));
        assert!(target(None, "http://h/x").unwrap_err().contains("http://"));
    }
}
