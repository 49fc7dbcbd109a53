//! Passwords, and where they come from: a file, the environment, or the terminal, but never the command line, which
//! every user of a machine can read.

use std::{
    env,
    fmt::{self, Debug, Formatter},
    fs::File,
    io::{self, Read},
    path::Path,
};

use zeroize::Zeroizing;

use super::{
    private::{Privacy, check},
    typed::{self, Typed},
};
use crate::exit::{Code, Failure, reason};

/// The variable that is looked into.
const VARIABLE: &str = "SKEP_PASSWORD";

/// The longest password in bytes.
pub(super) const LENGTH_MAX: usize = 1024;

/// The shortest new password in characters.
const NEW_MIN: usize = 8;

/// A password. Wiped from memory when it is dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The password of a text, exactly as it is: an é that another keyboard makes of two characters is another one.
    ///
    /// # Errors
    /// It is empty or longer than 1,024 bytes.
    pub fn new(text: impl Into<String>) -> Result<Self, Failure> {
        let text = Zeroizing::new(text.into());
        if text.is_empty() || text.len() > LENGTH_MAX {
            return Err(Failure::usage(format!("a password has 1 to {LENGTH_MAX} bytes")));
        }
        Ok(Self(text))
    }

    /// The password for `whom`: from the file if there is one (without the end of its line), or from the variable
    /// `SKEP_PASSWORD`, or asked for.
    ///
    /// # Errors
    /// Others can read the file, there is nobody to ask, or it is no password.
    pub fn find(file: Option<&Path>, whom: &str) -> Result<Self, Failure> {
        match Self::given(file)? {
            Some(password) => Ok(password),
            None => ask(&format!("password for {whom}: ")),
        }
    }

    /// A new password for `whom`, from where [`Password::find`] takes one. Who is asked is asked twice.
    ///
    /// # Errors
    /// Those of [`Password::find`]; it is too short; what was typed the second time is something else.
    pub fn find_new(file: Option<&Path>, whom: &str) -> Result<Self, Failure> {
        let password = match Self::given(file)? {
            Some(password) => password,
            None => {
                let password = ask(&format!("new password for {whom}: "))?;
                if ask("the same again: ")?.as_bytes() != password.as_bytes() {
                    return Err(Failure::usage("these were two different passwords; try again"));
                }
                password
            }
        };
        if password.0.chars().count() < NEW_MIN {
            return Err(Failure::usage(format!(
                "a password has at least {NEW_MIN} characters; some words are best"
            )));
        }
        Ok(password)
    }

    /// The bytes. Whoever copies them has to wipe the copy.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn given(file: Option<&Path>) -> Result<Option<Self>, Failure> {
        if let Some(path) = file {
            return from_file(path).map(Some);
        }
        match env::var(VARIABLE) {
            Ok(text) => Self::new(text).map(Some),
            Err(env::VarError::NotPresent) => Ok(None),
            Err(env::VarError::NotUnicode(_)) => Err(Failure::usage(format!("{VARIABLE} is not UTF-8"))),
        }
    }
}

impl Debug for Password {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(..)")
    }
}

fn from_file(path: &Path) -> Result<Password, Failure> {
    let shown = path.display();
    let cannot = |error: &io::Error| Failure::cannot(format_args!("read the password from {shown}"), error);
    // It may be a pipe of the shell, `<(pass show skep)`: so waiting for it is right, and it has no mode.
    let file = File::open(path).map_err(|error| cannot(&error))?;
    let metadata = file.metadata().map_err(|error| cannot(&error))?;
    if metadata.is_file() {
        check(path, &metadata, Privacy::Secret)?;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH_MAX + 3));
    file.take(LENGTH_MAX as u64 + 2).read_to_end(&mut bytes).map_err(|error| cannot(&error))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Failure::local(format!("cannot read the password from {shown}: it is not a text")))?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.contains('\n') {
        return Err(Failure::local(format!("{shown} has more than one line; a password is one")));
    }
    Password::new(line)
}

fn ask(prompt: &str) -> Result<Password, Failure> {
    match typed::ask(prompt) {
        Ok(Typed::Line(line)) => Password::new(line.as_str()),
        Ok(Typed::Interrupted) => Err(Failure::new(Code::Interrupted, "interrupted")),
        Ok(Typed::Nothing) => Err(Failure::usage("no password was typed")),
        Err(error) => Err(Failure::usage(format!(
            "cannot ask for the password at a terminal: {}; use --password-file, or the variable {VARIABLE}",
            reason(&error)
        ))),
    }
}
