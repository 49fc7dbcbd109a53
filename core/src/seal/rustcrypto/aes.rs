//! AES-128-GCM.

use crate::seal::{Aead, Secret, TAG_LENGTH};
use aes_gcm::{AeadInOut, Aes128Gcm, KeyInit};
use zeroize::Zeroize;

/// AES-128-GCM with its expanded key: about 500 bytes.
pub struct Aes {
    /// Wipes itself.
    cipher: Aes128Gcm,
    mask: [u8; 12],
}

impl Aes {
    /// The nonce of the Noise specification, section 12.4, masked.
    fn nonce(&self, number: u64) -> [u8; 12] {
        let mut nonce = self.mask;
        for (byte, number) in nonce.iter_mut().skip(4).zip(number.to_be_bytes()) {
            *byte ^= number;
        }
        nonce
    }
}

impl Drop for Aes {
    fn drop(&mut self) {
        self.mask.zeroize();
    }
}

impl Aead for Aes {
    fn new(material: &Secret) -> Option<Self> {
        let (key, rest) = material.expose().split_first_chunk::<16>()?;
        let mask = rest.first_chunk::<12>()?;
        Some(Self { cipher: Aes128Gcm::new(key.into()), mask: *mask })
    }

    fn seal(&self, number: u64, header: &[u8], text: &mut [u8]) -> Option<[u8; TAG_LENGTH]> {
        let tag = self.cipher.encrypt_inout_detached(&self.nonce(number).into(), header, text.into());
        tag.ok().map(Into::into)
    }

    fn open(&self, number: u64, header: &[u8], text: &mut [u8], tag: &[u8; TAG_LENGTH]) -> bool {
        self.cipher
            .decrypt_inout_detached(&self.nonce(number).into(), header, text.into(), tag.into())
            .is_ok()
    }
}
