//! What stands before the handshakes, alone.

use skep_core::guard::{Buckets, FirstPacket, Guard, Settings, Slot, Unproven, Verdict};
use skep_panic_check::{
    input::{address, any, flag, maybe, now, number},
    keep,
};

pub(crate) fn call<const SLOTS: usize, const BUCKETS: usize>() {
    keep((Settings::HOST, Settings::DEVICE, Settings::default()));
    guard(any::<Guard<SLOTS, BUCKETS>>());
    let unproven: &mut Unproven = any();
    *unproven = Unproven::new(number() as usize);
    unproven.received(number() as usize);
    unproven.sent(number() as usize);
    keep(unproven.may_send(number() as usize));
}

fn guard<const SLOTS: usize, const BUCKETS: usize>(guard: &mut Guard<SLOTS, BUCKETS>) {
    guard.turn();
    guard.late(now());
    let cookie = any::<[u8; 16]>();
    let packet = FirstPacket {
        from: address(),
        client: *any(),
        attempt: *any(),
        cookie: maybe(&*cookie),
        length: number() as usize,
    };
    match guard.first(now(), &packet) {
        Verdict::Proceed(permit) => {
            keep(permit.is_proven());
            keep(guard.answered(now(), permit));
        }
        Verdict::Repeat(slot) => keep(slot),
        Verdict::Challenge(cookie) => keep(cookie),
        Verdict::Drop(reason) => keep(reason),
    }
    keep(guard.prove(&packet));
    let buckets: &mut Buckets<BUCKETS> = any();
    keep((buckets.has(now(), *any()), buckets.take(now(), *any())));
    *buckets = Buckets::new();
    let slot: Slot = *any();
    keep((slot.number(), guard.may_send(slot, number() as usize)));
    guard.sent(slot, number() as usize);
    if flag() {
        keep(guard.confirmed(slot))
    } else {
        guard.abandoned(slot)
    }
    keep((guard.expired(now()), guard.next_deadline()));
    keep((guard.half_open(), guard.is_under_load(now()), guard.counters()));
    let settings = Settings { agreements_per_turn: number() as u16, calm_rate: number() as u32 };
    *guard = Guard::new(settings, *any());
}
