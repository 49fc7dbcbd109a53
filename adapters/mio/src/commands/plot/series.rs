//! What is drawn of a trace: points, thinned out to what can be told apart.

use crate::trace::{Event, Happened, Space};
use std::collections::{HashMap, HashSet};

/// A curve or a cloud: x in seconds.
pub(super) type Points = Vec<(f64, f64)>;

/// How many places a panel has in each direction: points that fall together there are drawn once.
const GRID: (f64, f64) = (1000.0, 260.0);

/// Over how many intervals the rate is taken.
const INTERVALS: usize = 200;

/// What is allowed is drawn up to so many times of what was reached: before anything is known that is a multiple of it, and
/// would leave no height for the rest.
const HEADROOM: f64 = 1.5;

/// Everything that is drawn.
#[derive(Debug, Default)]
pub(super) struct Series {
    /// MB in the stream of what was sent for the first time.
    pub sent: Points,
    /// The same of what was sent again.
    pub repeated: Points,
    /// The same of what was acknowledged.
    pub acknowledged: Points,
    /// The same of what was taken for lost.
    pub lost: Points,
    /// The same of what arrived for the first time, in order or before what goes before it.
    pub received: Points,
    /// The same of what arrived behind later ones.
    pub late: Points,
    /// The same of what had arrived before.
    pub again: Points,
    /// MB/s of content that was acknowledged, or arrived.
    pub goodput: Points,
    /// MB/s that the sender allowed itself.
    pub pacing: Points,
    /// Some of that is drawn lower than it is.
    pub is_pacing_cut: bool,
    /// Milliseconds.
    pub latest_rtt: Points,
    /// Milliseconds.
    pub smoothed_rtt: Points,
    /// MB that could be under way.
    pub window: Points,
    /// Some of that is drawn lower than it is.
    pub is_window_cut: bool,
    /// MB that were under way.
    pub in_flight: Points,
    /// Seconds from the first event to the last.
    pub seconds: f64,
}

impl Series {
    pub(super) fn of(events: &[Event]) -> Self {
        let mut series = Self {
            seconds: events.iter().map(|event| event.seconds).fold(1e-6, f64::max),
            ..Self::default()
        };
        let mut sent: HashMap<(Space, u64), (u64, u64)> = HashMap::new();
        let (mut seen, mut arrived) = (HashSet::new(), HashSet::new());
        let (mut delivered, mut furthest) = (Vec::new(), 0);
        for Event { seconds, happened } in events {
            let (x, mega) = (*seconds, |bytes: u64| bytes as f64 / 1e6);
            match happened {
                Happened::Sent { number, space, content: Some(content), .. } => {
                    sent.insert((*space, *number), *content);
                    let points = if seen.insert(content.0) { &mut series.sent } else { &mut series.repeated };
                    points.push((x, mega(content.0)));
                }
                Happened::Sent { content: None, .. } => {}
                Happened::Received { space, content, acknowledged, .. } => {
                    if let Some((offset, length)) = content {
                        let is_new = arrived.insert(*offset);
                        let points = match is_new {
                            true if *offset < furthest => &mut series.late,
                            true => &mut series.received,
                            false => &mut series.again,
                        };
                        points.push((x, mega(*offset)));
                        furthest = furthest.max(*offset);
                        delivered.extend(is_new.then_some((x, *length)));
                    }
                    for number in acknowledged
                        .iter()
                        .flat_map(|(first, last)| *first..=(*last).min(first.saturating_add(65_536)))
                    {
                        if let Some((offset, length)) = sent.remove(&(*space, number)) {
                            series.acknowledged.push((x, mega(offset)));
                            delivered.push((x, length));
                        }
                    }
                }
                Happened::Lost { number, space } => {
                    series.lost.extend(sent.get(&(*space, *number)).map(|(offset, _)| (x, mega(*offset))));
                }
                Happened::Metrics(metrics) => {
                    series.latest_rtt.extend(metrics.latest_rtt.map(|y| (x, y)));
                    series.smoothed_rtt.extend(metrics.smoothed_rtt.map(|y| (x, y)));
                    series.window.extend(metrics.window.map(|y| (x, mega(y))));
                    series.in_flight.extend(metrics.in_flight.map(|y| (x, mega(y))));
                    series.pacing.extend(metrics.rate.map(|bits| (x, bits / 8e6)));
                }
            }
        }
        series.goodput = rate(&delivered, series.seconds);
        series.is_pacing_cut = cut(&mut series.pacing, &series.goodput);
        series.is_window_cut = cut(&mut series.window, &series.in_flight);
        series.thin();
        series
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty() && self.received.is_empty()
    }

    fn thin(&mut self) {
        let seconds = self.seconds;
        for points in [
            &mut self.sent,
            &mut self.repeated,
            &mut self.acknowledged,
            &mut self.lost,
            &mut self.received,
            &mut self.late,
            &mut self.again,
            &mut self.pacing,
            &mut self.latest_rtt,
            &mut self.smoothed_rtt,
            &mut self.window,
            &mut self.in_flight,
        ] {
            let highest = points.iter().map(|point| point.1).fold(1e-9, f64::max);
            let mut taken = HashSet::new();
            let place = |(x, y): &(f64, f64)| ((x / seconds * GRID.0) as u32, (y / highest * GRID.1) as u32);
            points.retain(|point| taken.insert(place(point)));
        }
    }
}

/// Cuts what was allowed down to what can be seen beside what was `reached`. Whether that changes it.
fn cut(allowed: &mut [(f64, f64)], reached: &[(f64, f64)]) -> bool {
    let most = HEADROOM * reached.iter().map(|point| point.1).fold(0.0, f64::max);
    let is_cut = most > 0.0 && allowed.iter().any(|point| point.1 > most);
    if is_cut {
        allowed.iter_mut().for_each(|(_, y)| *y = y.min(most));
    }
    is_cut
}

/// Bytes at moments as MB/s, a step an interval.
fn rate(delivered: &[(f64, u64)], seconds: f64) -> Points {
    let interval = seconds / INTERVALS as f64;
    let mut bytes = vec![0; INTERVALS];
    for (x, length) in delivered {
        let bytes = &mut bytes[((x / interval) as usize).min(INTERVALS - 1)];
        *bytes = u64::saturating_add(*bytes, *length);
    }
    let middle = |place: usize| (place as f64 + 0.5) * interval;
    bytes.iter().enumerate().map(|(place, bytes)| (middle(place), *bytes as f64 / interval / 1e6)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64, happened: Happened) -> Event {
        Event { seconds, happened }
    }

    fn sent(number: u64, offset: u64) -> Happened {
        Happened::Sent {
            number,
            space: Space::Application,
            content: Some((offset, 1_000_000)),
            length: 1_000_040,
        }
    }

    #[test]
    fn a_repeat_is_told_from_the_first_time_and_a_loss_has_its_place() {
        let series = Series::of(&[
            at(0.0, sent(1, 3_000_000)),
            at(0.5, Happened::Lost { number: 1, space: Space::Application }),
            at(1.0, sent(2, 3_000_000)),
        ]);
        assert_eq!(series.sent, [(0.0, 3.0)]);
        assert_eq!(series.lost, [(0.5, 3.0)]);
        assert_eq!(series.repeated, [(1.0, 3.0)]);
    }

    #[test]
    fn what_arrives_late_or_again_is_told_from_the_rest() {
        let received = |offset| Happened::Received {
            space: Space::Application,
            content: Some((offset, 1_000_000)),
            length: 1_000_040,
            acknowledged: Vec::new(),
        };
        let places = [0, 2_000_000, 1_000_000, 2_000_000, 3_000_000];
        let series = Series::of(&places.map(|offset| at(1.0, received(offset))));
        assert_eq!(series.received, [(1.0, 0.0), (1.0, 2.0), (1.0, 3.0)]);
        assert_eq!(series.late, [(1.0, 1.0)]);
        assert_eq!(series.again, [(1.0, 2.0)]);
    }

    #[test]
    fn what_is_allowed_is_cut_only_where_something_was_reached_and_that_is_told() {
        let mut allowed = [(0.0, 9.0), (1.0, 2.0)];
        assert!(!cut(&mut allowed, &[(0.0, 0.0)]) && !cut(&mut allowed, &[(0.0, 6.0)]));
        assert_eq!(allowed, [(0.0, 9.0), (1.0, 2.0)]);
        assert!(cut(&mut allowed, &[(0.0, 2.0)]));
        assert_eq!(allowed, [(0.0, 3.0), (1.0, 2.0)]);
    }

    #[test]
    fn goodput_counts_content_once() {
        let acknowledged = Happened::Received {
            space: Space::Application,
            content: None,
            length: 50,
            acknowledged: vec![(1, 2)],
        };
        let series = Series::of(&[
            at(0.0, sent(1, 0)),
            at(0.0, sent(2, 1_000_000)),
            at(1.0, acknowledged.clone()),
            at(2.0, acknowledged),
        ]);
        let interval = 2.0 / INTERVALS as f64;
        let megabytes: f64 = series.goodput.iter().map(|(_, rate)| rate * interval).sum();
        assert!((megabytes - 2.0).abs() < 1e-9, "{megabytes}");
    }

    #[test]
    fn what_is_acknowledged_may_be_any_number() {
        let acknowledged = Happened::Received {
            space: Space::Application,
            content: None,
            length: 50,
            acknowledged: vec![(u64::MAX - 1, u64::MAX), (u64::MAX, 0)],
        };
        let series = Series::of(&[at(0.0, sent(u64::MAX, 7_000_000)), at(1.0, acknowledged)]);
        assert_eq!(series.acknowledged, [(1.0, 7.0)]);
    }

    #[test]
    fn content_may_have_any_length() {
        let received = |offset| Happened::Received {
            space: Space::Application,
            content: Some((offset, u64::MAX)),
            length: 50,
            acknowledged: Vec::new(),
        };
        let series = Series::of(&[at(1.0, received(0)), at(1.0, received(1))]);
        assert!(series.goodput.iter().any(|(_, rate)| *rate > 1e12));
    }

    #[test]
    fn points_that_fall_together_are_drawn_once() {
        let many: Vec<_> =
            (0..100_000).map(|n| at(f64::from(n) / 1e5, sent(u64::from(n as u32), 0))).collect();
        assert!(Series::of(&many).repeated.len() <= GRID.0 as usize + 1);
    }
}
