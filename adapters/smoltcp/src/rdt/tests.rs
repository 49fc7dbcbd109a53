//! What an endpoint makes of its socket and of its settings.

use super::*;
use crate::{storage::Ram, unplugged::stack};

type Files = Ram<1, 8>;

#[test]
fn a_socket_whose_buffers_hold_no_datagram_is_not_bound() {
    let bound = |buffers, port| {
        let (mut stack, socket) = stack(buffers);
        Rdt::<1, 4>::bind::<_, Files>(&mut stack, socket, port, Settings::DEVICE, 1, Plain).err()
    };
    let datagram = Settings::DEVICE.datagram();
    assert_eq!(bound((datagram, datagram), 7_537), None);
    assert_eq!(bound((datagram - 1, datagram), 7_537), Some(Unbound::TooSmall { datagram }));
    assert_eq!(bound((datagram, datagram - 1), 7_537), Some(Unbound::TooSmall { datagram }));
    assert!(matches!(bound((datagram, datagram), 0), Some(Unbound::Socket(_))));
}

#[cfg(feature = "seal")]
#[test]
fn a_call_for_which_there_is_no_room_leaves_no_session() {
    use skep_core::{
        seal::{
            KeyPair, Secret,
            layer::{Access, Call, Caller, Decision},
        },
        wire::seal::Purpose,
    };

    struct Nobody;

    impl Access for Nobody {
        fn decide(&mut self, _: &Caller, _: bool) -> Decision {
            Decision::Refuse
        }
    }

    let (mut stack, socket) = stack((8 * DATAGRAM, DATAGRAM));
    let own = KeyPair::new(Secret::new([1; 32]));
    let call = Call { server: *own.public(), purpose: Purpose::Guest, psk: None };
    let sealed = Sealed::<_, 6>::new(device_settings(), own, Secret::new([2; 32]), Nobody);
    let bound = Rdt::<1, 4, _>::bind::<_, Files>(&mut stack, socket, 7_537, Settings::DEVICE, 1, sealed);
    let mut carrier = bound.unwrap();
    let (now, to) = (Instant::from_micros(1), ([10, 0, 0, 2], 7_537).into());
    assert!(carrier.call(now, to, call.clone()).is_some());
    for _ in 0..10 {
        assert!(carrier.call(now, to, call.clone()).is_none());
    }
    assert_eq!((carrier.count(), carrier.wrapping().count()), (1, 1));
}
