//! A peer that knows only docs/protocol.md section 2, written from that document and sharing nothing with the core.
//!
//! It sends one stream of bytes and collects another. In stop-and-wait it sends the next INFO when the last one was
//! acknowledged; in selective repeat up to 500 ahead, and each of them again after 1.5 s.

use crate::{Member, Network, Seat};
use skep_core::Instant;
use std::{any::Any, collections::BTreeMap, net::SocketAddr, time::Duration};

const MAGIC: &[u8] = b"ROSTOV";
const REPEAT: Duration = Duration::from_millis(1_500);

type Answer = Box<dyn FnMut(&[u8]) -> Option<Vec<u8>>>;

/// The peer. A caller when it has somebody to call, else it waits for a call.
pub struct Peer {
    seat: Seat,
    calls: Option<SocketAddr>,
    other: Option<SocketAddr>,
    /// What is sent.
    sends: Vec<u8>,
    /// What came, in order.
    pub came: Vec<u8>,
    /// Looks at what came, and says what is sent after it, once. The peer finishes after that.
    answer: Option<Answer>,
    /// It finishes when so many bytes came.
    finishes_after: Option<usize>,
    /// Bytes in an INFO.
    segment: usize,
    /// 1 is stop-and-wait.
    window: u64,
    /// Numbers wrap here.
    wraps: u64,
    /// It writes types as digits.
    pub is_ascii: bool,
    /// Its first INFO is empty, and confirms the CONNACK.
    begins_empty: bool,
    /// It keeps INFO packets that are early; the peer in stop-and-wait drops them.
    keeps_early: bool,
    pieces: Vec<Vec<u8>>,
    begun: bool,
    acknowledged: BTreeMap<u64, bool>,
    first: u64,
    next: u64,
    repeats: BTreeMap<u64, Instant>,
    call_again: Instant,
    fin_again: Option<Instant>,
    /// Its FIN was answered.
    pub is_finished: bool,
    /// The other side's FIN came.
    pub has_seen_end: bool,
    expected: u64,
    early: BTreeMap<u64, Vec<u8>>,
    /// Every datagram that came, whatever it was.
    pub datagrams: Vec<Vec<u8>>,
    /// INFO packets sent, repeats too.
    pub infos: u64,
    /// It gives up then: the world would never be quiet otherwise.
    gives_up: Instant,
    outbox: Vec<Vec<u8>>,
}

impl Peer {
    /// A peer in stop-and-wait that calls, or waits for a call.
    pub fn new(seat: Seat, calls: Option<SocketAddr>) -> Self {
        Self {
            seat,
            calls,
            other: calls,
            sends: Vec::new(),
            came: Vec::new(),
            answer: None,
            finishes_after: None,
            segment: 1_024,
            window: 1,
            wraps: 1 << 16,
            is_ascii: false,
            begins_empty: true,
            keeps_early: false,
            pieces: Vec::new(),
            begun: false,
            acknowledged: BTreeMap::new(),
            first: 0,
            next: 0,
            repeats: BTreeMap::new(),
            call_again: Instant::ZERO,
            fin_again: None,
            is_finished: false,
            has_seen_end: false,
            expected: 0,
            early: BTreeMap::new(),
            datagrams: Vec::new(),
            infos: 0,
            gives_up: Instant::FAR,
            outbox: Vec::new(),
        }
    }

    /// The same in selective repeat.
    #[must_use]
    pub fn selective(self) -> Self {
        Self { window: 500, wraps: 1 << 32, keeps_early: true, ..self }
    }

    /// It sends these bytes, and finishes when so many came.
    #[must_use]
    pub fn sending(self, sends: Vec<u8>, finishes_after: usize) -> Self {
        Self { sends, finishes_after: Some(finishes_after), ..self }
    }

    /// It puts so many bytes into an INFO.
    #[must_use]
    pub fn in_segments(self, segment: usize) -> Self {
        Self { segment, ..self }
    }

    /// It says nothing from that moment on.
    #[must_use]
    pub fn until(self, gives_up: Instant) -> Self {
        Self { gives_up, ..self }
    }

    /// It answers what came by what `answer` says.
    #[must_use]
    pub fn answering(self, answer: impl FnMut(&[u8]) -> Option<Vec<u8>> + 'static) -> Self {
        Self { answer: Some(Box::new(answer)), ..self }
    }

    fn packet(&self, kind: u8, rest: &[u8]) -> Vec<u8> {
        [MAGIC, &[if self.is_ascii { kind + b'0' } else { kind }], rest].concat()
    }

    fn say(&mut self, kind: u8, rest: &[u8]) {
        let packet = self.packet(kind, rest);
        self.outbox.push(packet);
    }

    fn number(&self, segment: u64) -> [u8; 4] {
        ((segment % self.wraps) as u32).to_be_bytes()
    }

    fn cut(&mut self) {
        let done: usize = self.pieces.iter().map(Vec::len).sum();
        if self.begins_empty && self.pieces.is_empty() && self.calls.is_some() {
            self.pieces.push(Vec::new());
        }
        self.pieces.extend(self.sends[done..].chunks(self.segment).map(<[u8]>::to_vec));
    }

    fn info(&mut self, number: u64, body: &[u8]) {
        // The place of a number that wraps is the nearest one to what is expected.
        let ahead = (number + self.wraps - self.expected % self.wraps) % self.wraps;
        let is_old = ahead > self.wraps / 2;
        if !is_old && ahead > 0 && (!self.keeps_early || ahead >= 500) {
            return;
        }
        self.say(3, &(number as u32).to_be_bytes());
        if is_old {
            return;
        }
        self.early.insert(self.expected + ahead, body.to_vec());
        while let Some(body) = self.early.remove(&self.expected) {
            self.came.extend(body);
            self.expected += 1;
        }
        if let Some(more) = self.answer.as_mut().and_then(|answer| answer(&self.came)) {
            self.answer = None;
            self.sends.extend(more);
            self.cut();
        }
    }

    fn wants_to_finish(&self) -> bool {
        let has_said_all = self.first as usize == self.pieces.len() && self.begun;
        has_said_all
            && self.answer.is_none()
            && self.finishes_after.is_none_or(|bytes| self.came.len() >= bytes)
    }

    fn send_infos(&mut self, now: Instant) {
        while self.next < self.pieces.len() as u64 && self.next < self.first + self.window {
            self.repeats.insert(self.next, now);
            self.next += 1;
        }
        let due: Vec<u64> =
            self.repeats.iter().filter(|(_, at)| **at <= now).map(|(&segment, _)| segment).collect();
        for segment in due {
            let body = self.pieces[segment as usize].clone();
            let length = (body.len() as u16).to_be_bytes();
            let number = self.number(segment);
            self.say(2, &[&length[..], &number, &body].concat());
            self.infos += 1;
            self.repeats.insert(segment, now + REPEAT);
        }
    }
}

impl Member for Peer {
    fn arrive(&mut self, _now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.datagrams.push(datagram.to_vec());
        let Some((&kind, rest)) = datagram.strip_prefix(MAGIC).and_then(<[u8]>::split_first) else { return };
        if self.other.is_some_and(|other| other != from) {
            return;
        }
        if self.calls.is_none() && kind & 0x0f == 0 {
            self.is_ascii = kind == b'0';
            self.other = Some(from);
        }
        match kind & 0x0f {
            0 if self.calls.is_none() => {
                self.say(1, &[]);
                self.begun = true;
                if self.pieces.is_empty() {
                    self.cut();
                }
            }
            1 if self.calls.is_some() && !self.begun => {
                self.begun = true;
                self.cut();
            }
            2 if rest.len() >= 6 => {
                let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
                assert_eq!(length, rest.len() - 6, "an INFO with a wrong length");
                self.info(u64::from(u32::from_be_bytes([rest[2], rest[3], rest[4], rest[5]])), &rest[6..]);
            }
            3 if rest.len() == 4 => {
                let number = u64::from(u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]));
                let found = (self.first..self.next).find(|segment| segment % self.wraps == number);
                if let Some(segment) = found {
                    self.repeats.remove(&segment);
                    self.acknowledged.insert(segment, true);
                    while self.acknowledged.remove(&self.first).is_some() {
                        self.first += 1;
                    }
                }
            }
            4 => {
                self.has_seen_end = true;
                self.say(5, &[]);
            }
            5 => self.is_finished = true,
            _ => {}
        }
    }

    fn poll(&mut self, now: Instant, network: &mut dyn Network) -> Option<Instant> {
        if now >= self.gives_up {
            return None;
        }
        let mut wake = self.gives_up;
        if let Some(to) = self.calls.filter(|_| !self.begun) {
            if now >= self.call_again {
                let packet = self.packet(0, &[]);
                network.send(self.seat, to, &packet);
                self.call_again = now + Duration::from_secs(1);
            }
            wake = wake.min(self.call_again);
        }
        if self.begun {
            self.send_infos(now);
            wake = self.repeats.values().copied().chain([wake]).min().unwrap_or(wake);
            if self.wants_to_finish() && !self.is_finished {
                if self.fin_again.is_none_or(|at| at <= now) {
                    self.say(4, &[]);
                    self.fin_again = Some(now + REPEAT);
                }
                wake = wake.min(self.fin_again.unwrap_or(wake));
            }
        }
        if let Some(to) = self.other {
            for packet in self.outbox.drain(..) {
                network.send(self.seat, to, &packet);
            }
        }
        (!self.is_quiet(now)).then_some(wake)
    }

    fn is_quiet(&self, now: Instant) -> bool {
        now >= self.gives_up
            || self.is_finished && self.has_seen_end && self.repeats.is_empty()
            || self.calls.is_none() && !self.begun
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
