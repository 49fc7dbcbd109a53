//! Proofs that a client receives what is sent to its address, without anything kept for it.
//!
//! ```text
//!   seed ┬─ root ──SipHash──► one cookie key and one bucket key an epoch; this and the last one are at hand
//!        └─ fingerprint key
//!
//!   cookie = SipHash-2-4-128(cookie key of the epoch, address, port, client's id, epoch),
//!            its lowest bit replaced by the epoch's: it says which of the two keys to try
//! ```
//!
//! A client that changes its address, its port or its id needs another cookie, so cookies cannot be shared
//! (RFC 9000, section 8.1.4, has the same rules for its tokens). A cookie lives for one to two epochs.

use crate::{
    Instant,
    time::micros,
    wire::seal::{ConnectionId, Cookie},
};
use core::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use siphasher::sip128::{Hash128, SipHasher24};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// How long one key makes cookies; they are good for as long again.
pub const EPOCH: Duration = Duration::from_secs(16);
/// The length in bytes of what proves another address of a session: the beginning of a cookie.
pub const PROOF_LENGTH: usize = 8;

/// Bits of an IPv4 address below its /24.
const V4_HOST_BITS: u32 = 8;
/// Bits of an IPv6 address below its /48.
const V6_HOST_BITS: u32 = 80;

const fn start(cookie: Cookie) -> [u8; PROOF_LENGTH] {
    let [a, b, c, d, e, f, g, h, ..] = cookie;
    [a, b, c, d, e, f, g, h]
}

/// What a cookie is bound to, ready to be hashed.
pub(super) struct Source {
    address: u128,
    port: u16,
    client: u64,
}

impl Source {
    pub(super) fn new(from: SocketAddr, client: ConnectionId) -> Self {
        Self { address: bits(from.ip()), port: from.port(), client: u64::from_le_bytes(client) }
    }

    fn hash(&self, key: Key, epoch: u64) -> Hash128 {
        let last = u64::from(self.port) << 48 | epoch & 0xffff_ffff_ffff;
        key.hash([(self.address >> 64) as u64, self.address as u64, self.client, last])
    }
}

#[derive(Clone, Copy)]
struct Key(u64, u64);

impl Key {
    const ZERO: Self = Self(0, 0);

    const fn from_bits(bits: u128) -> Self {
        Self(bits as u64, (bits >> 64) as u64)
    }

    /// SipHash-2-4-128 of the words, in little-endian order.
    // Once in an image: five copies would take 5 KB of a device's flash.
    #[inline(never)]
    fn hash(self, words: [u64; 4]) -> Hash128 {
        let words = words.map(u64::to_le_bytes);
        SipHasher24::new_with_keys(self.0, self.1).hash(words.as_flattened())
    }

    fn derive(self, epoch: u64, purpose: u64) -> Self {
        let Hash128 { h1, h2 } = self.hash([epoch, purpose, 0, 0]);
        Self(h1, h2)
    }
}

impl Zeroize for Key {
    fn zeroize(&mut self) {
        self.0.zeroize();
        self.1.zeroize();
    }
}

pub(super) struct Keys {
    root: Key,
    fingerprint: Key,
    /// The epoch that `cookies` and `bucket` are for; none before the first packet.
    epoch: Option<u64>,
    /// The cookie keys of the even and the odd one of this epoch and the last.
    cookies: [Key; 2],
    bucket: Key,
}

impl Keys {
    const COOKIE: u64 = 0;
    const BUCKET: u64 = 1;

    pub(super) const fn new(seed: [u8; 32]) -> Self {
        let (root, fingerprint) = match (seed.first_chunk::<16>(), seed.last_chunk::<16>()) {
            (Some(root), Some(fingerprint)) => {
                (u128::from_le_bytes(*root), u128::from_le_bytes(*fingerprint))
            }
            // 32 bytes have a first 16 and a last 16.
            _ => (0, 0),
        };
        Self {
            root: Key::from_bits(root),
            fingerprint: Key::from_bits(fingerprint),
            epoch: None,
            cookies: [Key::ZERO; 2],
            bucket: Key::ZERO,
        }
    }

    /// Makes the keys of another epoch, if one has begun.
    pub(super) fn advance(&mut self, now: Instant) {
        let epoch = now.as_micros() / const { micros(EPOCH) };
        if self.epoch == Some(epoch) {
            return;
        }
        self.epoch = Some(epoch);
        // Before epoch 0 there was none: its last one is one that no cookie was made in.
        let last = epoch.wrapping_sub(1);
        let (even, odd) = if epoch & 1 == 0 { (epoch, last) } else { (last, epoch) };
        self.cookies = [even, odd].map(|epoch| self.root.derive(epoch, Self::COOKIE));
        self.bucket = self.root.derive(epoch, Self::BUCKET);
    }

    /// The cookie for this source, in this epoch.
    pub(super) fn cookie(&self, source: &Source) -> Cookie {
        self.cookie_of(source, self.epoch.unwrap_or(0))
    }

    /// Whether a cookie was made for this source, in this epoch or the last.
    pub(super) fn is_good(&self, source: &Source, cookie: &Cookie) -> bool {
        self.made_again(source, cookie[0]).ct_eq(cookie).into()
    }

    /// A shorter one, for an address of a session.
    pub(super) fn proof(&self, source: &Source) -> [u8; PROOF_LENGTH] {
        start(self.cookie(source))
    }

    /// Whether it was made for this source, in this epoch or the last.
    pub(super) fn is_proof(&self, source: &Source, proof: &[u8; PROOF_LENGTH]) -> bool {
        start(self.made_again(source, proof[0])).ct_eq(proof).into()
    }

    /// The cookie for this source in the epoch that a cookie with this first byte was made in.
    fn made_again(&self, source: &Source, first: u8) -> Cookie {
        let epoch = self.epoch.unwrap_or(0);
        let is_this = u64::from(first) & 1 == epoch & 1;
        self.cookie_of(source, if is_this { epoch } else { epoch.wrapping_sub(1) })
    }

    /// A short name for this source and attempt, that nobody outside can find another source or attempt for.
    pub(super) fn fingerprint(&self, source: &Source, attempt: [u8; 8]) -> u64 {
        // 48 bits of it, which is plenty: they only tell one client's own attempts apart.
        source.hash(self.fingerprint, u64::from_le_bytes(attempt)).h1
    }

    /// A short name for this source.
    pub(super) fn client(&self, source: &Source) -> u32 {
        source.hash(self.fingerprint, 0).h1 as u32
    }

    /// Two hashes of the prefix of this address, others in every epoch.
    pub(super) fn buckets(&self, ip: IpAddr) -> [u64; 2] {
        let Hash128 { h1, h2 } = self.bucket.hash(prefix(ip));
        [h1, h2]
    }

    /// A short name for the prefix of this address.
    pub(super) fn prefix(&self, ip: IpAddr) -> u32 {
        self.fingerprint.hash(prefix(ip)).h1 as u32
    }

    fn cookie_of(&self, source: &Source, epoch: u64) -> Cookie {
        let [even, odd] = self.cookies;
        let key = if epoch & 1 == 0 { even } else { odd };
        let hash = u128::from(source.hash(key, epoch));
        (hash & !1 | u128::from(epoch & 1)).to_le_bytes()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.root.zeroize();
        self.fingerprint.zeroize();
        for key in &mut self.cookies {
            key.zeroize();
        }
        self.bucket.zeroize();
    }
}

/// An address in 128 bits. A socket for both families reports an IPv4 address as a mapped one: it is the same.
fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// The /24 or /48 that an address is in.
fn prefix(ip: IpAddr) -> [u64; 4] {
    match ip.to_canonical() {
        IpAddr::V4(ip) => [4, u64::from(ip.to_bits() >> V4_HOST_BITS), 0, 0],
        IpAddr::V6(ip) => [6, (ip.to_bits() >> V6_HOST_BITS) as u64, 0, 0],
    }
}
