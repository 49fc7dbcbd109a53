//! Whether a path carries whole segments still, as it did when the connection opened (RFC 8899 section 4.3).
//!
//! ```text
//!   Wide ──two time-outs in a row──► trial: a segment whole, and again in parts
//!    ▲                                 │ the parts were acknowledged, and not the whole
//!    │ the whole was acknowledged      ▼
//!    └───────────────────────────── Narrow: all in parts, and a trial after 16, 32, 64 of them ...
//!                                    and at last after every 1,024
//! ```
//!
//! What chance has lost looks the same for once; the next trial tells.

use super::numbers::Numbers;

/// How a segment was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) enum Form {
    #[default]
    Whole,
    /// In two datagrams, with one transmission number.
    Parts,
    /// Whole, and the next transmission is the same segment in parts.
    Trial,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Carries {
    /// All that is sent: segments are short, or cannot be divided.
    #[default]
    All,
    Wide,
    Narrow,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Trial {
    #[default]
    No,
    /// The next long segment is one.
    Due,
    /// Its parts are owed.
    Begun,
}

/// So many segments go in parts before the first trial, and the most between two: powers of two.
const FIRST: u16 = 16;
const LAST: u16 = 1_024;

/// What is known of a path.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PathMtu {
    carries: Carries,
    trial: Trial,
    /// Segments that went in parts since the path is narrow; once they are many, of the last ones.
    parts: u16,
}

impl PathMtu {
    /// The path carries whole segments; that is to be watched if they `may_divide`.
    pub(crate) fn open(&mut self, may_divide: bool) {
        *self = Self::default();
        if may_divide {
            self.carries = Carries::Wide;
        }
    }

    /// Goes along it. `None`: something is to be tried out.
    pub(crate) fn parked(&mut self, numbers: &mut impl Numbers) -> Option<()> {
        let Self { carries, trial: Trial::No, parts } = self else { return None };
        let (mut is_watched, mut is_narrow) = (*carries != Carries::All, *carries == Carries::Narrow);
        numbers.flag(&mut is_watched);
        numbers.flag(&mut is_narrow);
        *carries = match (is_watched, is_narrow) {
            (false, _) => Carries::All,
            (true, false) => Carries::Wide,
            (true, true) => Carries::Narrow,
        };
        numbers.size(parts, 0);
        Some(())
    }

    pub(crate) fn is_narrow(&self) -> bool {
        self.carries == Carries::Narrow
    }

    /// Nothing comes back, again. Whether the next segment is a trial.
    pub(crate) fn doubt(&mut self) -> bool {
        if self.carries != Carries::All && self.trial == Trial::No {
            self.trial = Trial::Due;
        }
        self.trial == Trial::Due
    }

    /// What was sent is acknowledged: there is no reason to doubt.
    pub(crate) fn trust(&mut self) {
        if self.carries == Carries::Wide && self.trial == Trial::Due {
            self.trial = Trial::No;
        }
    }

    /// How the next segment goes out, if it is too long for a narrow path.
    pub(crate) fn form(&self) -> Form {
        match (self.carries, self.trial) {
            (Carries::All, _) | (Carries::Wide, Trial::No) => Form::Whole,
            (_, Trial::Due) => Form::Trial,
            (_, Trial::Begun) | (Carries::Narrow, Trial::No) => Form::Parts,
        }
    }

    /// Whether the segment of a trial is owed in parts.
    pub(crate) fn owes_parts(&self) -> bool {
        self.trial == Trial::Begun
    }

    /// A segment was sent in this form; or it is not wanted any more in parts.
    pub(crate) fn sent(&mut self, form: Form) {
        match (form, self.trial) {
            (Form::Trial, _) => self.trial = Trial::Begun,
            (Form::Parts, Trial::Begun) => self.trial = Trial::No,
            (Form::Parts, Trial::No) => {
                let parts = if self.parts >= 2 * LAST { LAST } else { self.parts };
                self.parts = parts.wrapping_add(1);
                if self.parts >= FIRST && self.parts.is_power_of_two() {
                    self.trial = Trial::Due;
                }
            }
            _ => {}
        }
    }

    /// A whole segment gets through. Whether that is news.
    pub(crate) fn widen(&mut self) -> bool {
        let is_news = self.is_narrow();
        if is_news {
            self.carries = Carries::Wide;
        }
        self.trust();
        is_news
    }

    /// No whole segment gets through. Whether that is news.
    pub(crate) fn narrow(&mut self) -> bool {
        let is_news = self.carries == Carries::Wide;
        if is_news {
            self.carries = Carries::Narrow;
            self.parts = 0;
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends the next segment; the form.
    fn send(path_mtu: &mut PathMtu) -> Form {
        let form = path_mtu.form();
        path_mtu.sent(form);
        form
    }

    #[test]
    fn what_need_not_be_divided_never_is() {
        let mut path_mtu = PathMtu::default();
        path_mtu.open(false);
        assert!(!path_mtu.doubt() && !path_mtu.narrow());
        assert_eq!(send(&mut path_mtu), Form::Whole);
    }

    #[test]
    fn a_doubt_is_tried_out_once_and_forgotten_when_something_gets_through() {
        let mut path_mtu = PathMtu::default();
        path_mtu.open(true);
        assert!(path_mtu.doubt());
        path_mtu.trust();
        assert_eq!(send(&mut path_mtu), Form::Whole);
        assert!(path_mtu.doubt());
        let forms = [send(&mut path_mtu), send(&mut path_mtu), send(&mut path_mtu)];
        assert_eq!(forms, [Form::Trial, Form::Parts, Form::Whole]);
    }

    #[test]
    fn a_narrow_path_is_tried_more_and_more_seldom_until_it_is_wide() {
        let mut path_mtu = PathMtu::default();
        path_mtu.open(true);
        assert!(path_mtu.narrow() && !path_mtu.narrow() && path_mtu.is_narrow());
        for rest in [16, 16, 32, 64, 128, 256, 512, 1_024, 1_024] {
            for _ in 0..rest {
                assert_eq!(send(&mut path_mtu), Form::Parts);
            }
            assert_eq!([send(&mut path_mtu), send(&mut path_mtu)], [Form::Trial, Form::Parts]);
        }
        assert!(path_mtu.widen() && !path_mtu.widen());
        assert_eq!(send(&mut path_mtu), Form::Whole);
    }
}
