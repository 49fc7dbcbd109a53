//! Why streams of downloads broke: the machines know only that they did.

use crate::{
    driver::Gone,
    member::{DownloadId, Event, Leg, Trouble},
};
use skep_core::{files::Failure, stream::StreamId};
use std::collections::HashMap;

/// The streams of downloads, and the reasons of those that broke.
#[derive(Debug, Default)]
pub(super) struct Breaks {
    streams: HashMap<StreamId, DownloadId>,
    reasons: HashMap<DownloadId, String>,
}

impl Breaks {
    /// A stream is being opened.
    pub(super) fn called(&mut self, leg: Leg, stream: StreamId) {
        if let Leg::Download(download) = leg {
            self.streams.insert(stream, download);
            self.reasons.remove(&download);
        }
    }

    /// A stream is gone: that is heard before what comes of it.
    pub(super) fn gone(&mut self, gone: &Gone) {
        if let (Some(download), Some(reason)) = (self.streams.remove(&gone.stream), &gone.reason) {
            self.reasons.insert(download, reason.clone());
        }
    }

    /// Puts into a download's end why its stream broke, if that is what ended it.
    pub(super) fn explain(&mut self, event: &mut Event) {
        if let Event::Got { download, outcome } = event
            && let Some(reason) = self.reasons.remove(download)
            && let Err(trouble @ Trouble::Failed(Failure::Closed)) = outcome
        {
            *trouble = Trouble::Broken(reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn got(failure: Failure) -> Event {
        Event::Got { download: DownloadId(0), outcome: Err(Trouble::Failed(failure)) }
    }

    fn gone(stream: u32, reason: Option<&str>) -> Gone {
        Gone { stream: StreamId(stream), reason: reason.map(Into::into), was_turned_away: false }
    }

    fn trouble(breaks: &mut Breaks, failure: Failure) -> Trouble {
        let mut event = got(failure);
        breaks.explain(&mut event);
        let Event::Got { outcome: Err(trouble), .. } = event else { unreachable!() };
        trouble
    }

    #[test]
    fn a_download_that_broke_is_told_with_the_reason_of_its_last_stream() {
        let mut breaks = Breaks::default();
        let leg = Leg::Download(DownloadId(0));
        breaks.called(leg, StreamId(1));
        breaks.gone(&gone(1, Some("no answer")));
        breaks.called(leg, StreamId(2));
        assert_eq!(trouble(&mut breaks, Failure::Closed), Trouble::Failed(Failure::Closed));
        breaks.gone(&gone(2, Some("silent")));
        breaks.gone(&gone(3, Some("another's")));
        assert_eq!(trouble(&mut breaks, Failure::Closed), Trouble::Broken("silent".to_owned()));
        // Told once, and only where it is the reason.
        assert_eq!(trouble(&mut breaks, Failure::Closed), Trouble::Failed(Failure::Closed));
        breaks.called(leg, StreamId(2));
        breaks.gone(&gone(2, Some("silent")));
        assert_eq!(trouble(&mut breaks, Failure::TooLarge), Trouble::Failed(Failure::TooLarge));
    }
}
