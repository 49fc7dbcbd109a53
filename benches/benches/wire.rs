//! Parsing and emitting, one packet of each kind at a time. Throughput counts the bytes of the packet.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use skep_core::wire::{
    Name, Text,
    command::{self, Operation},
    file::{Code, Message},
    path,
    rdt::{Known, Magic, Map, Own, Pass, Terms, TypeKind},
    session::{FileInfo, Frame, Notice},
};
use std::{hint::black_box, time::Duration};

/// As many bytes as a segment has on an Ethernet.
static BODY: [u8; 1_435] = [0x5a; 1_435];

fn own(criterion: &mut Criterion) {
    let terms = Terms { window: 1_024, segment: 1_435 };
    let packets = [
        ("open", Own::Open { terms, realm: Magic::ROSTOV, pass: Pass::NONE }),
        ("accept", Own::Accept { terms, token: 0 }),
        ("data", Own::Data { transmission: 9, segment: 8, asks: false, body: &BODY }),
        ("ack", Own::Ack { top: 9, next: 7, limit: 1_031, delay: 3, map: Map([u64::MAX; 4]) }),
        ("fin", Own::Fin { segments: 9 }),
        ("finack", Own::FinAck),
        ("ping", Own::Ping { token: 0 }),
        ("reset", Own::Reset),
    ];
    for (name, packet) in packets {
        both(
            criterion,
            &format!("wire/own/{name}"),
            |out| black_box(&packet).emit(7, out),
            |bytes| _ = black_box(Own::parse(bytes)),
        );
    }
}

fn known(criterion: &mut Criterion) {
    let packets = [
        ("connect", Known::Connect),
        ("connack", Known::ConnAck),
        ("info", Known::Info { number: 7, body: &BODY[..1_024] }),
        ("ack", Known::Ack(7)),
        ("fin", Known::Fin),
        ("finack", Known::FinAck),
    ];
    for (name, packet) in packets {
        both(
            criterion,
            &format!("wire/known/{name}"),
            |out| black_box(&packet).emit(&Magic::ROSTOV, TypeKind::Raw, out),
            |bytes| _ = black_box(Known::parse(&Magic::ROSTOV, bytes)),
        );
    }
}

fn files(criterion: &mut Criterion) {
    let name = Name::new(b"photos/2024/swarm in the pear tree.jpg").unwrap();
    let messages = [
        ("upload", Message::Upload { length: 1 << 30, name }),
        ("request", Message::Request { name }),
        ("download", Message::Download { length: 1 << 30 }),
        ("confirm", Message::Confirm),
        ("error", Message::Error(Code::Busy)),
    ];
    for (kind, message) in messages {
        both(
            criterion,
            &format!("wire/file/{kind}"),
            |out| black_box(&message).emit(out),
            |bytes| _ = black_box(Message::parse(bytes)),
        );
    }
    both(
        criterion,
        "wire/path/request",
        |out| path::emit(black_box(name), out),
        |bytes| _ = black_box(path::parse(bytes, true)),
    );
}

fn sessions(criterion: &mut Criterion) {
    let name = Text::new(b"a file of a usual length.txt").unwrap();
    let info = FileInfo { length: 1 << 20, flags: 0, hash: None };
    let notice = Notice::Shared { file: 7, user: 9, info, name };
    both(
        criterion,
        "wire/session/shared",
        |out| black_box(&notice).emit(out),
        |bytes| {
            let Frame::Whole { kind, fields, .. } = Frame::first(black_box(bytes)) else { return };
            _ = black_box(Notice::parse(kind, fields));
        },
    );
    let strings: [&[u8]; 3] = [b"ana", b"a file of a usual length.txt", b"what is in it"];
    both(
        criterion,
        "wire/command/publish",
        |out| command::emit(Operation::Publish, None, black_box(&strings), out),
        |bytes| {
            let mut rest = black_box(bytes);
            while let Ok((string, after)) = command::string(rest) {
                black_box(Operation::parse(string));
                rest = after;
            }
        },
    );
}

fn both(
    criterion: &mut Criterion,
    name: &str,
    emit: impl Fn(&mut [u8]) -> Option<usize>,
    parse: impl Fn(&[u8]),
) {
    let mut out = [0; 2_048];
    let length = emit(&mut out).unwrap();
    let packet = out[..length].to_vec();
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(length as u64));
    group.bench_function(BenchmarkId::from_parameter("emit"), |bencher| bencher.iter(|| emit(&mut out)));
    group.bench_function(BenchmarkId::from_parameter("parse"), |bencher| {
        bencher.iter(|| parse(black_box(&packet)));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    targets = own, known, files, sessions
}
criterion_main!(benches);
