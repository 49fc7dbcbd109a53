//! `skep get`: a file from a server.

use super::{
    credentials::Credentials,
    fetch,
    output::print,
    signals::interruptible,
    temporary::Temporary,
    tracing,
    transfer::{Ended, FAREWELL, Request},
};
use crate::{
    args::{Get, Pace},
    driver::Storage,
    exit::{Code, Failure},
    progress::Summary,
    storage::{Directory, Part, Source},
    url::{Scheme, Url},
};
use skep_core::{
    files::{Client, Dialect},
    stream::Fault,
    wire::Name,
};
use std::{
    fs::{self, File},
    io::{self, Write, stderr, stdout},
    path::{Path, PathBuf, is_separator},
};

/// Where what is fetched goes.
struct Destination {
    directory: Directory,
    name: String,
    replace: bool,
}

impl Storage for Destination {
    fn open(&mut self, _: Name<'_>) -> Result<Source, Fault> {
        Err(Fault::NotAllowed)
    }

    fn create(&mut self, _: Name<'_>, length: Option<u64>) -> Result<Part, Fault> {
        if !self.replace {
            self.directory.vacant_own(&self.name)?;
        }
        self.directory.create_own(&self.name, length)
    }

    fn replaces(&self) -> bool {
        self.replace
    }
}

/// A text that is longer is no error of a server's.
const ERROR_MAX: u64 = 256;

/// What the user wants it to become.
enum Wish {
    /// A file, replaced or new.
    File(PathBuf),
    /// Something that takes bytes in order: standard output, a device, a pipe. The content is gathered in a
    /// temporary file and poured out when it is whole.
    Pour(Option<PathBuf>),
}

impl Wish {
    fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Pour(Some(path)) => path,
            Self::Pour(None) => Path::new("/dev/stdout"),
        }
    }
}

pub(super) fn run(get: &Get) -> Result<(), Failure> {
    get.check()?;
    let url = get.target.url()?;
    let wish = wish(get, &url)?;
    tracing::check(get.link.trace.as_deref(), wish.path(), "where the file goes")?;
    let temporary = match &wish {
        Wish::File(_) => None,
        Wish::Pour(_) => Some(Temporary::new()?),
    };
    let path = match (&wish, &temporary) {
        (Wish::File(path), _) => path.clone(),
        (Wish::Pour(_), Some(temporary)) => temporary.path().join("content"),
        (Wish::Pour(_), None) => PathBuf::new(),
    };
    let local = match &wish {
        Wish::File(path) => path.display().to_string(),
        Wish::Pour(sink) => {
            sink.as_ref().map_or("standard output".to_owned(), |path| path.display().to_string())
        }
    };
    let gathered = match &temporary {
        Some(temporary) => {
            &format!("{} (gathered there for {local}; see TMPDIR)", temporary.path().display())
        }
        None => &local,
    };
    transfer(get, &url, &path, gathered, &|summary| done(get, &url, (&wish, &local), &path, summary))
}

/// The file is whole at this path: pours it out, where that is wanted, and says what it came to. `local` is what that is
/// called in errors.
fn done(
    get: &Get,
    url: &Url,
    (wish, local): (&Wish, &str),
    path: &Path,
    summary: &Summary,
) -> Result<(), Failure> {
    if let Wish::Pour(sink) = wish {
        let (path, sink) = (path.to_owned(), sink.clone());
        let poured = interruptible(move || pour(&path, sink.as_deref()))?.ok_or_else(|| {
            Failure::new(Code::Interrupted, format!("interrupted; {local} may have got a part of it"))
        })?;
        poured.map_err(|error| Failure::cannot(format_args!("write to {local}"), &error))?;
    }
    summary.tell(get.quiet, url.name());
    if url.scheme == Scheme::Path && !get.quiet && may_be_an_error(path, summary.bytes) {
        let _ = writeln!(
            stderr(),
            "skep: this may be an error that the server told, and no file: over path:// nothing tells them apart"
        );
    }
    if get.json {
        let json = summary.json();
        if matches!(wish, Wish::Pour(None)) {
            let _ = writeln!(stderr(), "{json}");
        } else {
            print(format_args!("{json}\n"))?;
        }
    }
    Ok(())
}

/// Moves the file, from whatever is there, and tells `done` what it came to.
fn transfer(
    get: &Get,
    url: &Url,
    path: &Path,
    local: &str,
    done: &dyn Fn(&Summary) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if get.tracker_option().is_some() || url.is_of_tracker() {
        if url.scheme != Scheme::Skep {
            return Err(Failure::usage(format!(
                "a tracker is called by skep://, and not by {}://",
                url.scheme
            )));
        }
        get.link.fits(url.scheme, Pace::default()).map_err(|error| Failure::usage(error.to_string()))?;
        let credentials = Credentials::of_link(url, &get.link)?;
        return done(&fetch::run(get, url, path, local, credentials)?);
    }
    let name = url.name_to_get().map_err(|error| Failure::usage(error.to_string()))?;
    let request = Request {
        url,
        header: None,
        folder: None,
        link: &get.link,
        pace: Pace::default(),
        label: name.as_str(),
        local,
        quiet: get.quiet,
        verbose: get.verbose,
        farewell: FAREWELL,
        observe: &|_| {},
        done,
    };
    let dialect = if url.scheme == Scheme::Path { Dialect::Path } else { Dialect::Files };
    let storage = || destination(path, !get.no_replace);
    match request.run(storage, || Client::download(name, dialect, u64::MAX, get.link.timeout)) {
        Ok(()) => Ok(()),
        Err(Ended::Tracker(credentials)) => done(&fetch::run(get, url, path, local, *credentials)?),
        Err(Ended::Failure(failure)) => Err(failure),
    }
}

fn wish(get: &Get, url: &Url) -> Result<Wish, Failure> {
    if get.is_to_standard_output() {
        return Ok(Wish::Pour(None));
    }
    let own = url.last_component();
    let path = match &get.output {
        None => PathBuf::from(own),
        Some(output) if names_directory(output) && !output.is_dir() => {
            let output = output.display();
            return Err(Failure::local(format!("cannot write into {output}: there is no such directory")));
        }
        Some(output) if output.is_dir() => output.join(own),
        Some(output) => output.clone(),
    };
    #[cfg(unix)]
    match (descriptor(&path), fs::metadata(&path)) {
        (Some(1), _) => return Ok(Wish::Pour(None)),
        (Some(_), Ok(metadata)) if metadata.is_file() => {
            let path = path.display();
            return Err(Failure::local(format!("cannot write {path}: it is a file; name that itself")));
        }
        // A pipe has no other name.
        (Some(_), Ok(metadata)) if !metadata.is_dir() => return Ok(Wish::Pour(Some(path))),
        _ => {}
    }
    // The user's own link is followed, as a shell's redirection would.
    let path = match fs::canonicalize(&path) {
        Ok(path) => path,
        Err(error) if path.is_symlink() => {
            let what = format_args!("write {}", path.display());
            return Err(match error.kind() {
                io::ErrorKind::NotFound => {
                    Failure::local(format!("cannot {what}: it is a link that leads nowhere"))
                }
                _ => Failure::cannot(what, &error),
            });
        }
        Err(_) => path,
    };
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => {
            let path = path.display();
            Err(Failure::local(format!("cannot write {path}: it is a directory; name a file with -o")))
        }
        Ok(metadata) if !metadata.is_file() => Ok(Wish::Pour(Some(path))),
        _ => Ok(Wish::File(path)),
    }
}

/// The number of one of our own descriptors, if a path is a name of one: `/dev/stdout`, `/dev/fd/1`. What is open there already
/// is to be written to, and nothing else to be put in its place.
#[cfg(unix)]
fn descriptor(path: &Path) -> Option<u32> {
    let own = fs::canonicalize("/proc/self/fd").ok()?;
    let mut path = path.to_owned();
    // So many links lead from one to the other at most.
    for _ in 0..8 {
        let parent = path.parent()?.to_owned();
        if fs::canonicalize(&parent).is_ok_and(|parent| parent == own) {
            return path.file_name()?.to_str()?.parse().ok();
        }
        path = parent.join(fs::read_link(&path).ok()?);
    }
    None
}

/// Whether a path can be that of a directory only, by its end.
fn names_directory(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.strip_suffix('.').unwrap_or(&text).ends_with(is_separator)
}

fn destination(path: &Path, replace: bool) -> Result<Destination, Failure> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shown = parent.display();
    let directory = Directory::open(parent);
    let directory = directory.map_err(|error| Failure::cannot(format_args!("write into {shown}"), &error))?;
    let name = path.file_name().and_then(|name| name.to_str());
    let name =
        name.ok_or_else(|| Failure::local(format!("cannot write {}: choose another name", path.display())))?;
    Ok(Destination { directory, name: name.to_owned(), replace })
}

/// Whether what came looks like what a server of paths says when something is wrong.
fn may_be_an_error(path: &Path, bytes: u64) -> bool {
    bytes <= ERROR_MAX && fs::read(path).is_ok_and(|content| content.starts_with(b"Error"))
}

fn pour(from: &Path, to: Option<&Path>) -> io::Result<()> {
    let mut content = File::open(from)?;
    let poured = match to {
        None => {
            let mut out = stdout().lock();
            io::copy(&mut content, &mut out).and_then(|_| out.flush())
        }
        Some(path) => io::copy(&mut content, &mut File::options().write(true).open(path)?).map(drop),
    };
    match poured {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            Err(io::Error::other("whoever reads it has gone before the end"))
        }
        other => other,
    }
}
