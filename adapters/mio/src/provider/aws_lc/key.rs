//! Keys, and the schedules that ciphers make of them.
//!
//! ```text
//!   Key  bytes, name ──► schedules of this thread   [ - ][ 7 ][ 300 ][ - ] ...   by the name's last bits
//! ```
//!
//! A schedule takes 600 bytes of AWS-LC's heap, which wipes what it frees, and there are two keys to a session. Most
//! sessions of a tracker are idle. So only the keys that were used last have one, and none for long; making it again takes
//! less than a system call.

use aws_lc_rs::aead::{AES_128_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use skep_core::seal::TAG_LENGTH;
use std::{
    cell::RefCell,
    sync::atomic::{AtomicU64, Ordering},
};
use zeroize::Zeroize;

/// Schedules that a thread keeps.
const KEPT: usize = 256;

static NEXT_NAME: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static SCHEDULES: RefCell<Vec<Option<(u64, LessSafeKey)>>> = const { RefCell::new(Vec::new()) };
}

/// A key of `N` bytes, which is wiped when it is dropped, and with it the schedule that this thread has of it.
pub(super) struct Key<const N: usize> {
    bytes: [u8; N],
    /// No other key of this process has it.
    name: u64,
}

impl<const N: usize> Key<N> {
    /// Its length says what it is for: there are many keys, and none takes room for that.
    const ALGORITHM: &'static Algorithm = match N {
        16 => &AES_128_GCM,
        32 => &CHACHA20_POLY1305,
        _ => panic!("no cipher of a suite has keys of this length"),
    };

    pub(super) fn new(bytes: [u8; N]) -> Self {
        Self { bytes, name: NEXT_NAME.fetch_add(1, Ordering::Relaxed) }
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
            let place = &mut schedules[self.place()];
            if place.as_ref().is_none_or(|(name, _)| *name != self.name) {
                // The old one goes first: never is there more than one to a place.
                *place = None;
                let key = UnboundKey::new(Self::ALGORITHM, &self.bytes).ok()?;
                *place = Some((self.name, LessSafeKey::new(key)));
            }
            does(&place.as_ref()?.1)
        })
    }

    fn place(&self) -> usize {
        (self.name % KEPT as u64) as usize
    }
}

/// Gives back the schedules that this thread keeps.
pub(in crate::provider) fn rest() {
    SCHEDULES.take();
}

impl<const N: usize> Drop for Key<N> {
    fn drop(&mut self) {
        self.bytes.zeroize();
        // A thread that ends has dropped all of them.
        let _ = SCHEDULES.try_with(|schedules| {
            let mut schedules = schedules.borrow_mut();
            if let Some(place) = schedules.get_mut(self.place())
                && place.as_ref().is_some_and(|(name, _)| *name == self.name)
            {
                *place = None;
            }
        });
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
