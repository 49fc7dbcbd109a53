//! How a connection by TCP becomes a sealed stream.
//!
//! ```text
//!   Attaching ──Attached──► Calling ──REPLY──► Open        Undecided ──a zero byte──► plain
//!           └──Attached──► Listening ──HELLO──► Open                └──► Listening
//! ```

use super::{Carrier, Driver, Sealed, Storage, Stream, Subject};
use crate::net::{
    rdt::SUITES,
    records::{LARGEST, Phase},
};
use skep_core::{
    Instant,
    seal::{
        greeting::{Declined, Hail, Host, Terms, greet},
        layer::Call,
    },
    stream::{Closed, Service, StreamId},
    wire::{
        seal::{HELLO_MAX, Purpose, REPLY_MAX},
        session::{Code, Frame, Notice},
    },
};
use std::io;

/// What we offer on every sealed connection.
const TERMS: Terms<'_> = Terms { suites: SUITES, largest: LARGEST };

impl<S: Service<Event: Subject>, F: Storage> Driver<S, F> {
    /// Goes on with the handshake of a sealed connection. Whether it is done.
    pub(super) fn shake_hands(&mut self, now: Instant, key: usize, portion: &mut [u8]) -> io::Result<bool> {
        while self.flush(now, key, portion)? {}
        loop {
            let Some(tcp) = self.tcp(key) else { return Ok(false) };
            if tcp.undecided && !self.decide(key)? {
                return Ok(false);
            }
            let Some(tcp) = self.tcp(key) else { return Ok(false) };
            if tcp.records.is_none() {
                return Ok(self.open_and_act(now, key, None));
            }
            let Some(message) = tcp.read_handshake()? else { return Ok(false) };
            let Some(records) = &mut tcp.records else { return Ok(false) };
            match &mut records.phase {
                Phase::Attaching(call) => {
                    let call = call.take();
                    if let Err(refusal) = attached(&message) {
                        if refusal == Some(Code::UnknownTransfer) {
                            records.phase = Phase::TurnedAway;
                        }
                        return Err(not_relayed(refusal));
                    }
                    match call {
                        None => records.phase = Phase::Listening,
                        Some(call) => self.greet_behind(now, key, &call, portion)?,
                    }
                }
                Phase::Calling(hail) => {
                    let directions = hail.finish(&message).map_err(io::Error::other)?;
                    records.phase = Phase::Open(Box::new(directions));
                    return Ok(self.open_and_act(now, key, None));
                }
                Phase::Listening => return self.answer(now, key, message, portion),
                Phase::Open(_) => return Ok(self.open_and_act(now, key, None)),
                Phase::TurnedAway => return Ok(false),
            }
        }
    }

    /// Calls the other side of a transfer, behind the tracker that has joined us.
    fn greet_behind(&mut self, now: Instant, key: usize, call: &Call, portion: &mut [u8]) -> io::Result<()> {
        let Some(identity) = &mut self.identity else { return Ok(()) };
        let mut hello = [0; HELLO_MAX];
        let started = Hail::start(&identity.own, call, &TERMS, identity.random.next(), &mut hello);
        let (hail, length) = started.map_err(io::Error::other)?;
        if let Some(records) = self.tcp(key).and_then(|tcp| tcp.records.as_mut()) {
            records.phase = Phase::Calling(Box::new(hail));
        }
        self.say(StreamId(key as u32), &hello[..length]);
        while self.flush(now, key, portion)? {}
        Ok(())
    }

    /// Answers who has called. Whether the stream is open.
    fn answer(&mut self, now: Instant, key: usize, hello: Vec<u8>, portion: &mut [u8]) -> io::Result<bool> {
        let Some(Stream { carrier: Carrier::Tcp(tcp), .. }) = self.streams.get_mut(key) else {
            return Ok(false);
        };
        let (Some(records), Some(identity)) = (&mut tcp.records, &mut self.identity) else {
            return Ok(false);
        };
        if !self.handshakes.may_agree(now, tcp.peer.ip()) {
            return Err(io::Error::other("too many handshakes"));
        }
        let host = Host { own: &identity.own, check: &identity.check };
        let mut reply = [0; REPLY_MAX];
        let (ephemeral, gate) = (identity.random.next(), &mut identity.gate);
        let greeted = greet(&host, &hello, tcp.peer, &TERMS, ephemeral, gate, &mut reply);
        let (directions, caller, length) = match greeted {
            Ok(welcome) => welcome,
            Err(Declined::Refused) => return Err(io::Error::other("refused")),
            Err(Declined::Later) => {
                records.unread(hello);
                self.deferred.push(key);
                return Ok(false);
            }
        };
        records.phase = Phase::Open(Box::new(directions));
        self.say(StreamId(key as u32), &reply[..length]);
        while self.flush(now, key, portion)? {}
        if caller.purpose == Purpose::Salt {
            // The answer is all that there is to say.
            self.close(now, key, Closed::Done, None);
            return Ok(false);
        }
        Ok(self.open_and_act(now, key, Some(caller)))
    }

    /// Looks whether a connection is a sealed one. `false`: nothing has come yet.
    fn decide(&mut self, key: usize) -> io::Result<bool> {
        let Some(stream) = self.streams.get_mut(key) else { return Ok(false) };
        let Carrier::Tcp(tcp) = &mut stream.carrier else { return Ok(false) };
        let Some(first) = tcp.first_byte()? else { return Ok(false) };
        tcp.undecided = false;
        if first == 0 {
            let label = stream.label;
            let listener = self.listeners.iter().find(|listener| Some(listener.label as u16) == label);
            if let Some(Sealed::But { plain }) = listener.map(|listener| listener.sealed) {
                tcp.records = None;
                stream.label = Some(plain as u16);
            }
        }
        Ok(true)
    }
}

/// Whether a tracker has joined us to the other side of a transfer; if not, what it said, if that means anything.
fn attached(message: &[u8]) -> Result<(), Option<Code>> {
    let Frame::Whole { kind, fields, .. } = Frame::first(message) else { return Err(None) };
    match Notice::parse(kind, fields) {
        Ok(Notice::Attached) => Ok(()),
        Ok(Notice::Bye { code }) => Err(Some(code)),
        _ => Err(None),
    }
}

fn not_relayed(refusal: Option<Code>) -> io::Error {
    let refusal = refusal.map_or_else(|| "it said something else".to_owned(), |code| code.to_string());
    io::Error::other(format!("the tracker did not relay: {refusal}"))
}
