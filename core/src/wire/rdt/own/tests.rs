use super::*;

fn own() -> [(Own<'static>, Vec<u8>); 14] {
    let pass = Pass { token: 0x0102_0304_0506_0708, round_trip: 20_000 };
    let terms = Terms { window: 256, segment: 1_200 };
    let map = Map([1, 0, 0, 1 << 63]);
    let bytes = |text: &str| {
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        text.as_bytes().chunks(2).map(byte).collect()
    };
    [
        (
            Own::Open { terms, realm: Magic::ROSTOV, pass: Pass::NONE },
            bytes("534b4550100a0b0c0d010000010004b006524f53544f56"),
        ),
        (
            Own::Open { terms, realm: Magic::ROSTOV, pass },
            bytes("534b4550100a0b0c0d010000010004b006524f53544f56010203040506070800004e20"),
        ),
        (Own::Accept { terms, token: 0 }, bytes("534b4550110a0b0c0d010000010004b0")),
        (Own::Accept { terms, token: pass.token }, bytes("534b4550110a0b0c0d010000010004b00102030405060708")),
        (
            Own::Data { transmission: 9, segment: 8, asks: false, body: b"hi" },
            bytes("534b4550120a0b0c0d00000009000000086869"),
        ),
        (
            Own::Data { transmission: 9, segment: 8, asks: true, body: b"hi" },
            bytes("534b4550180a0b0c0d00000009000000086869"),
        ),
        (
            Own::Part { transmission: 9, segment: 8, asks: false, offset: 0, length: 5, body: b"hel" },
            bytes("534b4550190a0b0c0d00000009000000080000000568656c"),
        ),
        (
            Own::Part { transmission: 9, segment: 8, asks: true, offset: 3, length: 5, body: b"lo" },
            bytes("534b45501a0a0b0c0d0000000900000008000300056c6f"),
        ),
        (
            Own::Ack { top: 9, next: 8, limit: 300, delay: 5, map },
            bytes(
                "534b4550130a0b0c0d00000009000000080000012c00050000000000000001000000000000000000000000000000008000000000000000",
            ),
        ),
        (Own::Fin { segments: 8 }, bytes("534b4550140a0b0c0d00000008")),
        (Own::FinAck, bytes("534b4550150a0b0c0d")),
        (Own::Ping { token: 0 }, bytes("534b4550160a0b0c0d")),
        (Own::Ping { token: pass.token }, bytes("534b4550160a0b0c0d0102030405060708")),
        (Own::Reset, bytes("534b4550170a0b0c0d")),
    ]
}

#[test]
fn own_packets_have_these_bytes() {
    for (packet, golden) in own() {
        let mut out = [0; 64];
        let length = packet.emit(0x0a0b_0c0d, &mut out).unwrap();
        assert_eq!(out[..length], golden[..], "{packet:?}");
        assert_eq!(Own::parse(&golden), Some(Some((0x0a0b_0c0d, packet))));
    }
}

#[test]
fn every_truncation_of_an_own_packet_is_refused() {
    for (packet, golden) in own() {
        for length in 0..golden.len() {
            let parsed = Own::parse(&golden[..length]);
            // What is behind the others' words may be missing.
            let is_shorter = match packet {
                Own::Data { .. } => length > Own::DATA_HEADER,
                Own::Open { pass, .. } => pass != Pass::NONE && length >= golden.len() - 12,
                Own::Accept { token, .. } => token != 0 && length >= golden.len() - 8,
                Own::Ping { .. } => length >= 9,
                _ => false,
            };
            let refused = if length < 4 { None } else { Some(None) };
            assert_eq!(parsed == refused, !is_shorter, "{packet:?} {length}");
            assert_eq!(packet.emit(0, &mut [0; 64][..length]), None);
        }
    }
}

#[test]
fn padding_is_ignored_where_it_is_allowed_and_refused_elsewhere() {
    for (packet, golden) in own() {
        let padded = [&golden[..], &[0; 9]].concat();
        match packet {
            Own::Open { pass: Pass { token: 0, .. }, .. }
            | Own::Accept { token: 0, .. }
            | Own::Ping { token: 0 } => {
                let zeros = [&golden[..], &[0; 12]].concat();
                assert_eq!(Own::parse(&zeros), Some(Some((0x0a0b_0c0d, packet))));
            }
            Own::Open { .. } | Own::Accept { .. } | Own::Ping { .. } => {
                assert_eq!(Own::parse(&padded), Some(Some((0x0a0b_0c0d, packet))));
            }
            Own::Data { .. } => {}
            _ => assert_eq!(Own::parse(&padded), Some(None)),
        }
    }
}

#[test]
fn a_part_is_one_half_or_the_other() {
    let part = |offset, length, body| {
        let part = Own::Part { transmission: 1, segment: 1, asks: false, offset, length, body };
        let mut out = [0; 64];
        let written = part.emit(1, &mut out).unwrap();
        Own::parse(&out[..written]) == Some(Some((1, part)))
    };
    assert!(part(0, 2, b"a") && part(1, 2, b"b") && part(0, 3, b"ab") && part(2, 3, b"c"));
    let none: [(u16, u16, &[u8]); 8] = [
        (0, 0, b"a"),
        (0, 1, b"a"),
        (1, 1, b"a"),
        (0, 4, b"a"),
        (1, 4, b"abc"),
        (2, 4, b"abc"),
        (3, 4, b"a"),
        (2, u16::MAX, b"a"),
    ];
    for (offset, length, body) in none {
        assert!(!part(offset, length, body), "{offset} of {length}");
    }
}

#[test]
fn another_version_an_empty_window_and_a_realm_that_is_none_are_refused() {
    let (_, golden) = &own()[0];
    for (place, value) in [(9, 2), (12, 0), (16, 0), (16, 9)] {
        let mut bytes = golden.clone();
        bytes[place] = value;
        assert_eq!(Own::parse(&bytes), Some(None), "{place}");
    }
}
