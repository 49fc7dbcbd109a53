use super::*;
use skep_core::{
    seal::{
        Keys, Protection,
        datagram::{FRONT, OVERHEAD},
        layer::Session,
    },
    table::Slot,
    wire::seal::Suite,
};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn secret(bytes: &[u8]) -> Secret {
    let mut material = [0; 32];
    material[..bytes.len()].copy_from_slice(bytes);
    Secret::new(material)
}

/// A published vector, both ways.
fn check<A: Aead>(material: &Secret, number: u64, header: &str, text: &[u8], sealed: &str, tag: &str) {
    let cipher = A::new(material).unwrap();
    let mut place = text.to_vec();
    let made = cipher.seal(number, &bytes(header), &mut place).unwrap();
    assert_eq!((&place, made.to_vec()), (&bytes(sealed), bytes(tag)));
    assert!(cipher.open(number, &bytes(header), &mut place, &made));
    assert_eq!(place, text);
}

#[test]
fn x25519_is_that_of_rfc_7748_section_5_2() {
    let agreed = |secret: &str, public: &str, shared: &str| {
        let public = Public(bytes(public).try_into().unwrap());
        let made = AwsLc::agree(&AwsLc::private(&self::secret(&bytes(secret))), &public).unwrap();
        assert_eq!(made.expose().to_vec(), bytes(shared));
    };
    // The second has a point whose highest bit means nothing.
    agreed(
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    );
    agreed(
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
    );
}

#[test]
fn key_agreement_is_that_of_the_default_provider_and_never_zero() {
    for byte in 0..=255_u8 {
        let secret = Secret::new(std::array::from_fn(|place| byte.wrapping_mul(31) ^ place as u8));
        let ours = AwsLc::private(&secret);
        assert_eq!(AwsLc::public(&ours), RustCrypto::public(&&secret));
        for point in [Public([byte; 32]), RustCrypto::public(&&Secret::new([byte; 32]))] {
            let agreed = AwsLc::agree(&ours, &point);
            assert_eq!(agreed, RustCrypto::agree(&&secret, &point));
            // And where it has no memory.
            assert_eq!(agreed, AwsLc::agree(&Private { made: None, secret: &secret }, &point));
        }
    }
    for low in [0, 1] {
        let mut point = [0; 32];
        point[0] = low;
        assert!(AwsLc::agree(&AwsLc::private(&Secret::new([7; 32])), &Public(point)).is_none());
    }
}

#[test]
fn chacha20_poly1305_is_that_of_rfc_8439_appendix_a_5() {
    let key = bytes("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0");
    let text = "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or \
                obsoleted by other documents at any time. It is inappropriate to use Internet-Drafts as reference \
                material or to cite them other than as /“work in progress./”";
    let sealed = "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0\
                  bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855\
                  9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e9\
                  9040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a\
                  0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130\
                  305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709b";
    let tag = "eead9d67890cbb22392336fea1851f38";
    let number = 0x0807_0605_0403_0201;
    check::<ChaCha>(&secret(&key), number, "f33388860000000000004e91", text.as_bytes(), sealed, tag);
}

#[test]
fn aes_128_gcm_is_that_of_its_specification_test_cases_2_and_4() {
    let (sealed, tag) = ("0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf");
    check::<Aes>(&secret(&[]), 0, "", &[0; 16], sealed, tag);

    // The nonce is the mask: the number is 0.
    let material = bytes("feffe9928665731c6d6a8f9467308308 cafebabefacedbaddecaf888");
    let header = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
    let text = bytes(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5\
         aa0de657ba637b39",
    );
    let sealed = "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba\
                  30b396a0aac973d58e091";
    check::<Aes>(&secret(&material), 0, header, &text, sealed, "5bc94fbc3221a5db94fae95ae7121a47");
}

#[test]
fn what_one_provider_seals_the_other_opens_in_both_suites_and_both_ways() {
    fn pair<One: Aead, Other: Aead>() {
        for length in (0..70).chain([255, 256, 257, 1_170, 1_426, 32_750]) {
            let material = Secret::new([length as u8 ^ 0x5a; 32]);
            let (one, other) = (One::new(&material).unwrap(), Other::new(&material).unwrap());
            let text: Vec<u8> = (0..length).map(|index| index as u8).collect();
            for number in [0, 1, 0x0102_0304_0506_0708, u64::MAX] {
                let (mut ours, mut theirs) = (text.clone(), text.clone());
                let tag = one.seal(number, b"head", &mut ours).unwrap();
                assert_eq!(Some(tag), other.seal(number, b"head", &mut theirs));
                assert_eq!(ours, theirs);
                assert!(other.open(number, b"head", &mut ours, &tag));
                assert!(one.open(number, b"head", &mut theirs, &tag));
                assert_eq!((&ours, &theirs), (&text, &text));
            }
        }
    }
    pair::<ChaCha, <RustCrypto as Provider>::ChaCha>();
    pair::<Aes, <RustCrypto as Provider>::Aes>();
}

#[test]
fn nothing_opens_with_another_tag_number_header_or_text() {
    fn check<A: Aead>() {
        let cipher = A::new(&Secret::new([7; 32])).unwrap();
        let mut sealed = *b"hello";
        let tag = cipher.seal(3, b"head", &mut sealed).unwrap();
        for bit in 0..128 {
            let mut other = tag;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!cipher.open(3, b"head", &mut sealed.clone(), &other));
        }
        for bit in 0..40 {
            let mut other = sealed;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!cipher.open(3, b"head", &mut other, &tag));
        }
        assert!(!cipher.open(4, b"head", &mut sealed.clone(), &tag));
        assert!(!cipher.open(3, b"haed", &mut sealed.clone(), &tag));
        assert!(cipher.open(3, b"head", &mut sealed, &tag));
    }
    check::<ChaCha>();
    check::<Aes>();
}

#[test]
fn a_session_between_two_providers_goes_on_through_new_keys() {
    let keys = |send, receive| Keys {
        send: Secret::new([send; 32]),
        receive: Secret::new([receive; 32]),
        binding: [0; 32],
    };
    for suite in Suite::ALL {
        let mut here = Protection::<AwsLc>::new(suite, &keys(1, 2), [7; 8]).unwrap();
        let mut there = Protection::<RustCrypto>::new(suite, &keys(2, 1), [8; 8]).unwrap();
        for round in 0..4_u8 {
            let mut datagram = [round; 100 + OVERHEAD];
            here.seal(&mut datagram).unwrap();
            assert_eq!(there.open(&mut datagram).unwrap(), [round; 100]);
            let mut datagram = [round; 50 + OVERHEAD];
            there.seal(&mut datagram).unwrap();
            assert_ne!(datagram[FRONT..FRONT + 50], [round; 50]);
            assert_eq!(here.open(&mut datagram).unwrap(), [round; 50]);
            here.refresh();
            there.refresh();
        }
    }
}

#[test]
fn a_session_takes_little_and_room_for_missing_numbers_only_until_it_rests() {
    assert!(size_of::<Slot<Session<AwsLc>>>() <= 176);
    let keys = |send: u8, receive: u8| Keys {
        send: Secret::new([send; 32]),
        receive: Secret::new([receive; 32]),
        binding: [0; 32],
    };
    let side = |send, receive| Protection::<AwsLc>::new(Suite::Aes, &keys(send, receive), [0; 8]).unwrap();
    let (mut from, mut to) = (side(1, 2), side(2, 1));
    let mut sealed = [[0; OVERHEAD]; 300];
    sealed.iter_mut().for_each(|datagram| _ = from.seal(datagram).unwrap());
    let mut opens = |number: usize| to.open(&mut { sealed[number] }).is_ok();
    assert!((0..200).filter(|number| number % 10 != 3).all(&mut opens));
    assert!(opens(3) && !opens(3) && opens(193) && !opens(192));
    to.rest();
    let mut opens = |number: usize| to.open(&mut { sealed[number] }).is_ok();
    assert!(!opens(13) && !opens(12) && opens(200) && (201..300).all(&mut opens));
}
