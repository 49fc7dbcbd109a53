//! A tracker that lies, to a client whose application does anything at any time.
//!
//! Nothing may panic or spin, and one stream at a time is used. The application builds the list by the events alone:
//! when there is no more news, it is the mirror. No event is about anything that the application knows to be over.
//! When the client is out, only what it shares and mirrors takes room.

mod application;

use crate::Choices;
use application::Application;
use skep_core::{
    Instant,
    client::{Accept, Client, Event, FetchId, Fixed, Settings, UploadId},
    limits::MESSAGE_MAX,
    stream::{Action, Closed, Service, StreamId},
    wire::{
        Name, Text,
        session::{Code, FileInfo, Frame, Introduction, Notice, Request, Way},
    },
};
use std::{net::IpAddr, time::Duration};

const USERS: [&str; 3] = ["ana", "eva", "somebody whose name takes more than one chunk"];
const FILES: [&str; 3] = ["x", "y", "a file whose name takes more than one chunk"];
const POLLS_MAX: usize = 2_000;

type Small = Fixed<2, 4, 2, 2, 16>;

struct World {
    client: Client<Small>,
    application: Application,
    now: Instant,
    /// Streams are never named again.
    streams: u32,
    stream: Option<Stream>,
    /// The client asked for a stream.
    wants_stream: bool,
    /// Tags of its requests.
    tags: Vec<u32>,
}

struct Stream {
    id: StreamId,
    input: Vec<u8>,
    is_due: bool,
    is_stalled: bool,
    owes_flush: bool,
    is_over: bool,
}

/// Plays one client.
pub fn client(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut world = World::new(&mut choices);
    while !choices.is_over() {
        world.step(&mut choices);
        if !choices.rarely(8) {
            world.run();
        }
    }
    world.end();
}

impl World {
    fn new(choices: &mut Choices<'_>) -> Self {
        let settings = Settings {
            accept: [Accept::Ask, Accept::Always { tcp: 1, rdt: 2 }, Accept::Never][choices.below(3)],
            wants_list: !choices.rarely(8),
            falls_back: !choices.rarely(3),
            ..Settings::DEFAULT
        };
        let is_always = matches!(settings.accept, Accept::Always { .. });
        let mut client = Client::fixed(settings, 1);
        assert!(client.start(text("me")));
        let now = Instant::from_micros(1);
        let application = Application::new(is_always);
        Self { client, application, now, streams: 0, stream: None, wants_stream: false, tags: Vec::new() }
    }

    fn step(&mut self, choices: &mut Choices<'_>) {
        match choices.below(20) {
            0 | 1 if self.wants_stream => self.open(choices),
            0..=9 => self.say(choices),
            10 => {
                if let Some(stream) = &mut self.stream {
                    stream.is_stalled = !stream.is_stalled;
                }
            }
            11 if choices.rarely(3) => self.close([Closed::Done, Closed::Broken][choices.below(2)]),
            12 if choices.rarely(3) => {
                if let Some(stream) = self.stream.as_mut().filter(|stream| !stream.is_over) {
                    stream.is_over = true;
                    self.client.finished(self.now, stream.id);
                }
            }
            13 => self.now = self.now + Duration::from_secs([1, 5, 11, 16, 31, 61][choices.below(6)]),
            14 if choices.rarely(8) => self.client.log_out(self.now),
            14 if self.client.is_over() => {
                let _ = self.client.start(text(USERS[choices.below(3)]));
            }
            _ => self.wish(choices),
        }
    }

    fn open(&mut self, choices: &mut Choices<'_>) {
        self.wants_stream = false;
        if choices.rarely(4) {
            return self.client.unreachable(self.now);
        }
        self.streams += 1;
        let id = StreamId(self.streams);
        if self.client.opened(self.now, id) {
            let (input, is_due, is_stalled) = (Vec::new(), false, false);
            self.stream = Some(Stream { id, input, is_due, is_stalled, owes_flush: false, is_over: false });
            if !choices.rarely(6) {
                let is_fresh = !choices.rarely(3);
                self.tell(&Notice::Welcome {
                    version: 1,
                    is_fresh,
                    user: 9,
                    epoch: choices.below(2) as u64,
                    resume: [1; 16],
                    silence: choices.byte().into(),
                });
            }
        }
    }

    fn close(&mut self, how: Closed) {
        if let Some(stream) = self.stream.take() {
            self.client.closed(self.now, stream.id, how);
        }
    }

    fn tell(&mut self, notice: &Notice<'_>) {
        let mut out = [0; MESSAGE_MAX];
        let length = notice.emit(&mut out).unwrap();
        self.arrive(&out[..length]);
    }

    fn arrive(&mut self, bytes: &[u8]) {
        let Some(stream) = self.stream.as_mut().filter(|stream| !stream.is_over) else { return };
        if stream.input.len() < 4 * MESSAGE_MAX {
            stream.input.extend(bytes);
            stream.is_due = true;
        }
    }

    /// The tracker says something, true or not.
    fn say(&mut self, choices: &mut Choices<'_>) {
        let number = choices.below(4) as u32;
        let (user, name) = (text(USERS[choices.below(3)]), text(FILES[choices.below(3)]));
        let tag = self.tags.iter().rev().nth(choices.below(3)).copied().unwrap_or(number);
        let way = [Way::Direct, Way::Relayed, Way::Command][choices.below(3)];
        let code = Code::from(choices.byte() % 20);
        let address = IpAddr::from([10, 0, 0, 1]);
        let token = [number as u8; 16];
        let introduction = choices.rarely(3).then_some(Introduction { secret: [1; 32], key: [2; 32] });
        let notice = match choices.below(20) {
            0 | 1 => Notice::Came { user: number, by_command: false, name: user },
            2 => Notice::Left { user: number },
            3..=5 => {
                let info = FileInfo { length: choices.below(3) as u64, flags: 0, hash: None };
                Notice::Shared { file: number, user: choices.below(3) as u32, info, name }
            }
            6 => Notice::Unshared { file: number },
            7 => Notice::Upto { number: choices.byte().into() },
            8 => Notice::Done { tag },
            9 => Notice::Failed { tag, code },
            10 | 11 => Notice::Ask { transfer: number, way, token, introduction, address, user, name },
            12 | 13 => {
                Notice::Go { tag, transfer: number, way, token, introduction, address, tcp: 1, rdt: 0 }
            }
            14 => Notice::Ended { transfer: number, code },
            15 if choices.rarely(4) => Notice::Bye { code },
            15 => Notice::Waiting { place: number },
            16 => Notice::Ping,
            17 => {
                let most = 1 + choices.below(40);
                return self.arrive(choices.bytes(most));
            }
            18 => Notice::Pong,
            _ => Notice::Unsupported { kind: 3 },
        };
        self.tell(&notice);
    }

    /// The application wants something.
    fn wish(&mut self, choices: &mut Choices<'_>) {
        let name = Name::new(FILES[choices.below(3)].as_bytes()).unwrap();
        let fetch = self.application.some_fetch(choices);
        let upload = self.application.some_upload(choices);
        match choices.below(9) {
            0 | 1 => {
                let info = FileInfo { length: choices.below(2) as u64, flags: 0, hash: None };
                let _ = self.client.publish(name, info);
            }
            2 => _ = self.client.withdraw(name),
            3 | 4 => {
                let way = [Way::Direct, Way::Relayed][choices.below(2)];
                let owner = text(USERS[choices.below(3)]);
                if let Some(fetch) = self.client.fetch(self.now, owner, text(name.as_str()), way) {
                    self.application.fetches(fetch);
                }
            }
            5 => {
                if let Some(fetch) = fetch {
                    self.client.fetched(fetch, Code::Done);
                    self.application.forget_fetch(fetch);
                }
            }
            6 => {
                if let Some(fetch) = fetch {
                    self.client.owner_unreachable(self.now, fetch);
                }
            }
            7 => {
                if let Some(upload) = upload {
                    self.client.accept(upload, 1, 0);
                    self.application.accepts(upload);
                }
            }
            _ => {
                if let Some(upload) = upload {
                    // It is too late to refuse what was accepted.
                    if self.application.has_accepted(upload) || choices.rarely(2) {
                        self.client.served(upload, Code::Done);
                    } else {
                        self.client.refuse(upload, Code::Refused);
                    }
                    self.application.forget_upload(upload);
                }
            }
        }
    }

    /// Goes on until nothing is left to do now.
    fn run(&mut self) {
        for _ in 0..POLLS_MAX {
            self.drain();
            let Some(stream) = &mut self.stream else { return self.application.check(&self.client) };
            if stream.owes_flush && !stream.is_stalled {
                stream.owes_flush = false;
                self.client.flushed(self.now, stream.id);
            } else if stream.is_due && !stream.input.is_empty() {
                let taken = self.client.received(self.now, stream.id, &stream.input);
                stream.input.drain(..taken);
                stream.is_due = taken > 0;
            } else {
                return self.application.check(&self.client);
            }
        }
        panic!("it never comes to rest");
    }

    fn drain(&mut self) {
        let mut room = [0; 600];
        for _ in 0..POLLS_MAX {
            match self.client.poll(self.now, &mut room) {
                Action::Write { stream, bytes } => {
                    let open = self.stream.as_mut().filter(|open| open.id == stream);
                    let open = open.expect("it writes on a stream that is gone");
                    assert!(!std::mem::replace(&mut open.owes_flush, true), "before the last has left");
                    open.is_due = true;
                    remember(bytes, &mut self.tags);
                }
                // The streams end at once.
                Action::Finish(stream) | Action::Abort(stream) => {
                    assert_eq!(self.stream.as_ref().map(|open| open.id), Some(stream));
                    self.close(Closed::Done);
                }
                Action::Event(Event::Connect) => {
                    assert!(self.stream.is_none(), "it asks for a second stream");
                    self.wants_stream = true;
                }
                Action::Event(event) => self.application.hear(event, &self.client),
                Action::Wait(wait) => {
                    assert!(wait.is_none_or(|wait| wait > self.now), "it waits for the past");
                    return;
                }
                other => panic!("a client's session moves nothing: {other:?}"),
            }
        }
        panic!("it spins");
    }

    /// The client goes: it comes to an end, and takes no room for what is over.
    fn end(&mut self) {
        self.run();
        self.client.log_out(self.now);
        for _ in 0..4 {
            self.run();
            self.now = self.now + Duration::from_secs(100);
        }
        self.run();
        assert!(self.client.is_over() && self.stream.is_none(), "it does not end");
        for number in 0..2 {
            self.client.fetched(FetchId(number), Code::Done);
            self.client.served(UploadId(number), Code::Done);
        }
        for name in FILES {
            let _ = self.client.withdraw(Name::new(name.as_bytes()).unwrap());
        }
        self.drain();
        assert_eq!((self.client.shares(), self.client.chunks()), (0, Application::chunks(&self.client)));
    }
}

/// What the client says is in the format.
fn remember(bytes: &[u8], tags: &mut Vec<u32>) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let Frame::Whole { kind, fields, length } = Frame::first(rest) else { panic!("a cut message") };
        let request = Request::parse(kind, fields).expect("a message that breaks the format");
        if let Request::Publish { tag, .. } | Request::Withdraw { tag, .. } | Request::Fetch { tag, .. } =
            request
        {
            tags.push(tag);
        }
        rest = &rest[length..];
    }
}

fn text(text: &str) -> Text<'_> {
    Text::new(text.as_bytes()).unwrap()
}
