//! Keys, and the schedules that ciphers make of them.
//!
//! ```text
//!   Key  bytes, place ──► schedules of this thread   [ - ][ key, schedule ][ - ] ...
//! ```
//!
//! A schedule takes 600 bytes of AWS-LC's heap, which wipes what it frees, and there are two keys to a session. Most
//! sessions of a tracker are idle. So only the keys that were used last have one, and none for long; making it again takes
//! less than a system call.

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    constant_time::verify_slices_are_equal,
};
use skep_core::seal::TAG_LENGTH;
use std::{
    cell::RefCell,
    sync::atomic::{AtomicU8, Ordering},
};
use zeroize::{Zeroize, Zeroizing};

/// Schedules that a thread keeps: one for each place.
const KEPT: usize = 1 << u8::BITS;

/// Bytes of the longest key.
const LONGEST: usize = 32;

static NEXT_PLACE: AtomicU8 = AtomicU8::new(0);

thread_local! {
    static SCHEDULES: RefCell<Vec<Option<Schedule>>> = const { RefCell::new(Vec::new()) };
}

/// A schedule, and what it was made of.
struct Schedule {
    bytes: Zeroizing<[u8; LONGEST]>,
    length: usize,
    key: LessSafeKey,
}

/// A key of `N` bytes, which is wiped when it is dropped, and with it the schedule that this thread has of it.
pub(super) struct Key<const N: usize> {
    bytes: [u8; N],
    /// Where its schedule is, if there is one. Keys that are used at the same time have different ones, if they are few.
    place: u8,
}

impl<const N: usize> Key<N> {
    /// Its length says what it is for: there are many keys, and none takes room for that.
    const ALGORITHM: &'static Algorithm = match N {
        16 => &AES_128_GCM,
        32 => &CHACHA20_POLY1305,
        _ => panic!("no cipher of a suite has keys of this length"),
    };

    pub(super) fn new(bytes: [u8; N]) -> Self {
        Self { bytes, place: NEXT_PLACE.fetch_add(1, Ordering::Relaxed) }
    }

    pub(super) fn seal(&self, nonce: [u8; 12], header: &[u8], text: &mut [u8]) -> Option<[u8; TAG_LENGTH]> {
        self.with_schedule(|key| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header), text).ok()?;
            tag.as_ref().try_into().ok()
        })
    }

    pub(super) fn open(
        &self,
        nonce: [u8; 12],
        header: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LENGTH],
    ) -> bool {
        let opened = self.with_schedule(|key| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            key.open_in_place_separate_tag(nonce, Aad::from(header), tag, text).ok()
        });
        opened.is_some()
    }

    fn with_schedule<T>(&self, does: impl FnOnce(&LessSafeKey) -> Option<T>) -> Option<T> {
        SCHEDULES.with_borrow_mut(|schedules| {
            if schedules.is_empty() {
                schedules.resize_with(KEPT, || None);
            }
            let place = &mut schedules[usize::from(self.place)];
            if place.as_ref().is_none_or(|schedule| !self.made(schedule)) {
                // The old one goes first: never is there more than one to a place.
                *place = None;
                let key = LessSafeKey::new(UnboundKey::new(Self::ALGORITHM, &self.bytes).ok()?);
                let mut bytes = Zeroizing::new([0; LONGEST]);
                bytes[..N].copy_from_slice(&self.bytes);
                *place = Some(Schedule { bytes, length: N, key });
            }
            does(&place.as_ref()?.key)
        })
    }

    fn made(&self, schedule: &Schedule) -> bool {
        verify_slices_are_equal(&schedule.bytes[..schedule.length], &self.bytes).is_ok()
    }
}

/// Gives back the schedules that this thread keeps.
pub(in crate::provider) fn rest() {
    SCHEDULES.take();
}

impl<const N: usize> Drop for Key<N> {
    fn drop(&mut self) {
        // A thread that ends has dropped all of them.
        let _ = SCHEDULES.try_with(|schedules| {
            let mut schedules = schedules.borrow_mut();
            if let Some(place) = schedules.get_mut(usize::from(self.place)) {
                place.take_if(|schedule| self.made(schedule));
            }
        });
        self.bytes.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_share_a_place_do_not_disturb_each_other() {
        let keys: Vec<_> = (0..3 * KEPT).map(|number| [(number % 251) as u8; 16]).collect();
        let keys: Vec<_> = keys.iter().map(|bytes| Key::new(*bytes)).collect();
        let sealed: Vec<_> = keys
            .iter()
            .map(|key| {
                let mut text = *b"text";
                let tag = key.seal([7; 12], b"head", &mut text).unwrap();
                (text, tag)
            })
            .collect();
        for (number, (text, tag)) in sealed.iter().enumerate() {
            let (mut right, mut wrong) = (*text, *text);
            assert!(keys[number].open([7; 12], b"head", &mut right, tag));
            assert_eq!(&right, b"text");
            assert!(!keys[(number + 1) % keys.len()].open([7; 12], b"head", &mut wrong, tag));
        }
        drop(keys);
        SCHEDULES.with_borrow(|schedules| assert!(schedules.iter().all(Option::is_none)));
    }
}
