//! Orders that come over the network: whose account has the role of an admin gives them as on the tracker's own machine
//! (docs/protocol.md section 5.1).
//!
//! ```text
//!   a stream with an admin's key ── { or " ──► a line, an order ──► Hub::administer ──► a line, the answer, and the end
//!                                └─ else ────► the machine: a session
//! ```
//!
//! No message of a session begins so: it would be longer than any may be.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::mpsc::{Receiver, TryRecvError, sync_channel},
    time::Duration,
};

use skep_core::{
    Instant,
    seal::Public,
    stream::{Action, Closed, Service as _, StreamId},
};

use super::{
    Hub, Report,
    order::{Answer, ORDER_MAX, Order},
};
use crate::identity::Fingerprint;

/// How long an order and its answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How an order begins: it is an object, or a word.
const BEGINNINGS: [u8; 2] = [b'{', b'"'];

/// Streams of admins that have said nothing yet. When there is one more, the oldest can only become a session: whoever
/// replays an admin's first message can make many, and each is looked for in the list.
const SILENT_MAX: usize = 64;

/// Orders under way. When there is one more, its stream is ended: an answer may have many megabytes.
const ORDERS_MAX: usize = 16;

/// Who may give orders on a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Giver {
    pub(super) key: Fingerprint,
    pub(super) address: IpAddr,
}

/// The streams of admins that say nothing yet, and those on which they give orders.
#[derive(Debug, Default)]
pub(super) struct Orders {
    silent: VecDeque<(StreamId, Giver)>,
    talks: Vec<Talk>,
    /// The last thing that was done was for an order: the sessions come first; and were let.
    had_turn: bool,
    was_passed_over: bool,
}

#[derive(Debug)]
struct Talk {
    stream: StreamId,
    giver: Giver,
    stage: Stage,
    until: Option<Instant>,
    /// What was written last has not left.
    in_flight: bool,
}

#[derive(Debug)]
enum Stage {
    Asking(Vec<u8>),
    Waiting(Receiver<Answer>),
    /// An answer, of which so much is written.
    Answering(Vec<u8>, usize),
    Over,
}

/// What is to be done on a stream.
pub(super) enum Due {
    Write(StreamId),
    Finish(StreamId),
    Abort(StreamId),
}

impl Orders {
    /// Orders may come on this stream.
    pub(super) fn expect(&mut self, stream: StreamId, giver: Giver) {
        if self.silent.len() >= SILENT_MAX {
            self.silent.pop_front();
        }
        self.silent.push_back((stream, giver));
    }

    /// It is a session, or nothing: nothing more is expected on it.
    pub(super) fn forget(&mut self, stream: StreamId) -> Option<Giver> {
        let place = self.silent.iter().position(|(silent, _)| *silent == stream)?;
        Some(self.silent.remove(place)?.1)
    }

    /// Whether these bytes of a stream belong to an order.
    fn are_mine(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) -> bool {
        let Some(first) = bytes.first() else { return false };
        let Some(giver) = self.forget(stream) else { return self.talk(stream).is_some() };
        let is_order = BEGINNINGS.contains(first);
        if is_order {
            let is_one_too_many = self.talks.len() >= ORDERS_MAX;
            let until = if is_one_too_many { now } else { now + PATIENCE };
            let stage = Stage::Asking(Vec::new());
            self.talks.push(Talk { stream, giver, stage, until: Some(until), in_flight: false });
        }
        is_order
    }

    /// Takes bytes of an order: all of it, and who gives it, when it is whole.
    fn take(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) -> Option<(Vec<u8>, Giver)> {
        let talk = self.talk(stream).filter(|talk| talk.until.is_some_and(|until| until > now))?;
        // Nothing is said after an order.
        let Stage::Asking(line) = &mut talk.stage else { return None };
        let end = bytes.iter().position(|byte| *byte == b'\n');
        line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
        if end.is_none() && line.len() <= ORDER_MAX {
            return None;
        }
        let line = std::mem::take(line);
        talk.stage = Stage::Over;
        Some((line, talk.giver))
    }

    fn wait_for(&mut self, stream: StreamId, answer: Receiver<Answer>) {
        if let Some(talk) = self.talk(stream) {
            talk.stage = Stage::Waiting(answer);
        }
    }

    /// What was written on a stream has left. `false`: no order was given on it.
    pub(super) fn flushed(&mut self, stream: StreamId) -> bool {
        self.talk(stream).map(|talk| talk.in_flight = false).is_some()
    }

    /// The peer of a stream is at another address.
    pub(super) fn relocated(&mut self, stream: StreamId, address: IpAddr) {
        if let Some((_, giver)) = self.silent.iter_mut().find(|(silent, _)| *silent == stream) {
            giver.address = address;
        } else if let Some(talk) = self.talk(stream) {
            talk.giver.address = address;
        }
    }

    /// A stream is gone. `false`: no order was given on it.
    pub(super) fn closed(&mut self, stream: StreamId) -> bool {
        self.forget(stream);
        let before = self.talks.len();
        self.talks.retain(|talk| talk.stream != stream);
        self.talks.len() < before
    }

    /// When something is to be done, if nothing comes before: at once, where it was the sessions' turn.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.was_passed_over {
            return Some(Instant::ZERO);
        }
        self.talks.iter().filter_map(|talk| talk.until).min()
    }

    /// The next thing to do, every second time.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        self.was_passed_over = std::mem::take(&mut self.had_turn) && !self.talks.is_empty();
        if self.talks.is_empty() || self.was_passed_over {
            return None;
        }
        let due = self.talks.iter_mut().find_map(|talk| talk.due(now));
        self.had_turn = due.is_some();
        due
    }

    /// Does it; what is written stands in `room`.
    pub(super) fn act<'b>(&mut self, due: &Due, room: &'b mut [u8]) -> Action<'b, Report> {
        match *due {
            Due::Finish(stream) => Action::Finish(stream),
            Due::Abort(stream) => Action::Abort(stream),
            Due::Write(stream) => {
                let mut count = 0;
                if let Some(Talk { stage: Stage::Answering(text, from), in_flight, .. }) = self.talk(stream) {
                    let rest = &text[*from..];
                    count = rest.len().min(room.len());
                    room[..count].copy_from_slice(&rest[..count]);
                    *from += count;
                    *in_flight = true;
                }
                Action::Write { stream, bytes: &room[..count] }
            }
        }
    }

    fn talk(&mut self, stream: StreamId) -> Option<&mut Talk> {
        self.talks.iter_mut().find(|talk| talk.stream == stream)
    }
}

impl Talk {
    fn due(&mut self, now: Instant) -> Option<Due> {
        if self.until.is_some_and(|until| until <= now) {
            (self.until, self.stage) = (None, Stage::Over);
            return Some(Due::Abort(self.stream));
        }
        if let Stage::Waiting(answer) = &self.stage {
            let answer = match answer.try_recv() {
                Ok(answer) => answer,
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => Answer::Failed("nobody answers".into()),
            };
            self.stage = Stage::Answering(line_of(&answer), 0);
        }
        match &self.stage {
            Stage::Answering(..) if self.in_flight => None,
            Stage::Answering(text, from) if *from < text.len() => Some(Due::Write(self.stream)),
            Stage::Answering(..) => {
                self.stage = Stage::Over;
                Some(Due::Finish(self.stream))
            }
            _ => None,
        }
    }
}

fn line_of(answer: &Answer) -> Vec<u8> {
    // What has names and numbers only can be said.
    let mut line = serde_json::to_vec(answer).unwrap_or_default();
    line.push(b'\n');
    line
}

impl Hub {
    /// Takes what belongs to an order. `false`: it is a session's.
    pub(super) fn take_order(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) -> bool {
        if !self.orders.are_mine(now, stream, bytes) {
            return false;
        }
        // It is no session; to the machine it is as if it were gone.
        self.tracker.closed(now, stream, Closed::Done);
        let Some((line, giver)) = self.orders.take(now, stream, bytes) else { return true };
        let (to, answer) = sync_channel(1);
        self.orders.wait_for(stream, answer);
        let by = self.house().admin(&giver.key, giver.address);
        if by.is_none() {
            self.tell_refused_order_of(&giver.key, &line);
        }
        // There is room for the one answer.
        match (serde_json::from_slice(&line), by) {
            (_, None) => _ = to.send(Answer::Failed("your key has not the role of an admin any more".into())),
            (Err(error), _) => _ = to.send(Answer::Failed(format!("this is no order: {error}"))),
            (Ok(order), Some(by)) => self.administer(now, order, Some(&by), to),
        }
        true
    }

    /// Tells of an order of somebody who may give none. He is answered as whoever says in a session what there is not.
    pub(super) fn tell_refused_order(&mut self, stream: StreamId, bytes: &[u8]) {
        if !bytes.first().is_some_and(|first| BEGINNINGS.contains(first)) {
            return;
        }
        let key = self.tracker.key_of(stream).and_then(|key| Fingerprint::new(Public(key)).ok());
        let line = bytes.split(|byte| *byte == b'\n').next();
        if let (Some(key), Some(line)) = (key, line) {
            self.tell_refused_order_of(&key, line);
        }
    }

    fn tell_refused_order_of(&mut self, key: &Fingerprint, line: &[u8]) {
        let Ok(order) = serde_json::from_slice::<Order>(line) else { return };
        let house = self.house();
        let (by, key) = (house.name_of(key).map(Into::into), house.key_for_log(Some(*key)));
        drop(house);
        self.reports.push(Report::OrderRefused { what: order.kind().into(), by, key });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVER: StreamId = StreamId(7);
    const NOW: Instant = Instant::ZERO;

    fn orders() -> Orders {
        let mut orders = Orders::default();
        let key = "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo".parse().unwrap();
        orders.expect(GIVER, Giver { key, address: [192, 0, 2, 1].into() });
        orders
    }

    /// All that is done until nothing is due; what was written has left at once.
    fn done(orders: &mut Orders) -> (Vec<u8>, usize) {
        let (mut text, mut ends) = (Vec::new(), 0);
        while let Some(due) = orders.due(NOW) {
            let mut room = [0; 16];
            match orders.act(&due, &mut room) {
                Action::Write { stream: GIVER, bytes } => text.extend_from_slice(bytes),
                Action::Finish(GIVER) => ends += 1,
                _ => panic!("something else is done"),
            }
            assert!(orders.flushed(GIVER));
            // The sessions come in between.
            assert!(orders.due(NOW).is_none());
            assert_eq!(orders.deadline(), Some(Instant::ZERO));
        }
        (text, ends)
    }

    #[test]
    fn a_stream_that_begins_otherwise_is_a_session_and_of_others_nothing_is_taken() {
        let mut orders = orders();
        assert!(!orders.are_mine(NOW, StreamId(8), b"{"));
        assert!(!orders.are_mine(NOW, GIVER, b""));
        assert!(!orders.are_mine(NOW, GIVER, b"\0"));
        assert!(!orders.are_mine(NOW, GIVER, b"{"), "only the first byte decides");
        assert!(!orders.closed(GIVER));
    }

    #[test]
    fn an_order_is_taken_to_the_end_of_its_line_or_to_the_longest() {
        let mut first = orders();
        assert!(first.are_mine(NOW, GIVER, b"{\"a"));
        assert!(first.take(NOW, GIVER, b"{\"a").is_none());
        assert_eq!(first.take(NOW, GIVER, b"\"}\nmore").unwrap().0, b"{\"a\"}");
        assert!(first.take(NOW, GIVER, b"{}\n").is_none());
        assert!(first.closed(GIVER));
        let mut second = orders();
        assert!(second.are_mine(NOW, GIVER, b"{"));
        assert!(second.take(NOW, GIVER, &[b'{'; ORDER_MAX]).is_none());
        assert!(second.take(NOW, GIVER, b"{").is_some());
    }

    #[test]
    fn an_answer_goes_out_in_pieces_and_then_it_is_over() {
        let mut orders = orders();
        assert!(orders.are_mine(NOW, GIVER, b"{") && orders.take(NOW, GIVER, b"{}\n").is_some());
        let (to, answer) = sync_channel(1);
        orders.wait_for(GIVER, answer);
        assert_eq!(done(&mut orders), (vec![], 0));
        let said = Answer::Done("a text that is longer than the room for one message".into());
        to.send(said.clone()).unwrap();
        assert_eq!(done(&mut orders), (line_of(&said), 1));
        assert_eq!(done(&mut orders), (vec![], 0));
    }

    #[test]
    fn there_are_so_many_silent_ones_and_so_many_orders_and_no_more() {
        let mut orders = orders();
        let giver = orders.silent[0].1;
        for number in 0..SILENT_MAX as u32 {
            orders.expect(StreamId(100 + number), giver);
        }
        assert!(!orders.are_mine(NOW, GIVER, b"{"), "the oldest can only become a session");
        for number in 0..ORDERS_MAX as u32 {
            assert!(orders.are_mine(NOW, StreamId(100 + number), b"{"));
            assert!(orders.due(NOW).is_none());
        }
        let last = StreamId(100 + ORDERS_MAX as u32);
        assert!(orders.are_mine(NOW, last, b"{}\n") && orders.take(NOW, last, b"{}\n").is_none());
        assert!(matches!(orders.due(NOW), Some(Due::Abort(stream)) if stream == last));
        assert!(orders.closed(last) && !orders.closed(last));
    }

    #[test]
    fn who_has_moved_is_asked_at_the_new_address() {
        let mut orders = orders();
        let new = IpAddr::from([198, 51, 100, 7]);
        orders.relocated(GIVER, new);
        assert!(orders.are_mine(NOW, GIVER, b"{}\n"));
        assert_eq!(orders.take(NOW, GIVER, b"{}\n").unwrap().1.address, new);
    }

    #[test]
    fn who_does_not_go_on_is_let_go_and_who_keeps_silent_may() {
        let mut orders = orders();
        assert_eq!(orders.deadline(), None);
        assert!(orders.are_mine(NOW, GIVER, b"{"));
        assert_eq!(orders.deadline(), Some(NOW + PATIENCE));
        assert!(matches!(orders.due(NOW + PATIENCE), Some(Due::Abort(GIVER))));
        assert!(orders.due(NOW + PATIENCE).is_none());
    }
}
