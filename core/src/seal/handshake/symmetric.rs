//! The symmetric state of the Noise specification, section 5.2, without the nonce: see the module above.

use crate::{
    seal::{Aead, Keys, Provider, Psk, Public, Refused, Secret, TAG_LENGTH, hash::Hkdf},
    wire::seal::Pattern,
};
use core::marker::PhantomData;

/// The chaining key and the hash of all that was said.
pub(super) struct Symmetric<P> {
    chaining: Secret,
    hash: [u8; 32],
    provider: PhantomData<P>,
}

/// A key for one encryption.
pub(super) struct OneKey(Secret);

impl<P: Provider> Symmetric<P> {
    pub(super) fn new(pattern: Pattern, prologue: &[u8]) -> Self {
        let name: &[u8] = match pattern {
            Pattern::Ik => b"Noise_IK_25519_ChaChaPoly_BLAKE2s",
            Pattern::Nk => b"Noise_NK_25519_ChaChaPoly_BLAKE2s",
            Pattern::NkPsk0 => b"Noise_NKpsk0_25519_ChaChaPoly_BLAKE2s",
            Pattern::KkPsk0 => b"Noise_KKpsk0_25519_ChaChaPoly_BLAKE2s",
        };
        // All are longer than a hash, so each is hashed.
        let hash = P::hash(&[name]);
        let mut symmetric = Self { chaining: Secret::new(hash), hash, provider: PhantomData };
        symmetric.mix_hash(prologue);
        symmetric
    }

    /// A copy to try a message on.
    pub(super) fn again(&self) -> Self {
        Self { chaining: self.chaining.clone(), hash: self.hash, provider: PhantomData }
    }

    pub(super) fn mix_hash(&mut self, data: &[u8]) {
        self.hash = P::hash(&[&self.hash, data]);
    }

    fn mix_key(&mut self, input: &[u8]) -> OneKey {
        let outputs = Hkdf::new::<P>(&self.chaining, input);
        self.chaining = outputs.first;
        OneKey(outputs.second)
    }

    /// The tokens `ee`, `es`, `se` and `ss`.
    pub(super) fn mix_agreement(
        &mut self,
        private: &P::Private<'_>,
        public: &Public,
    ) -> Result<OneKey, Refused> {
        let shared = P::agree(private, public).ok_or(Refused::Key)?;
        Ok(self.mix_key(shared.expose()))
    }

    /// MixKeyAndHash. The key that it would give, the third output, is replaced before it is used in each of
    /// the patterns: `e` follows, which is mixed into the key.
    pub(super) fn mix_psk(&mut self, psk: &Psk) {
        let outputs = Hkdf::new::<P>(&self.chaining, psk.expose());
        self.mix_hash(outputs.second.expose());
        self.chaining = outputs.first;
    }

    /// The token `e`: in clear, and mixed into the key as well when there is a pre-shared one (section 9.2).
    pub(super) fn mix_ephemeral(&mut self, pattern: Pattern, public: &[u8; 32]) {
        self.mix_hash(public);
        if super::has_psk(pattern) {
            self.mix_key(public);
        }
    }

    /// Encrypts what `sealed` begins with; its last 16 bytes are for the tag.
    pub(super) fn encrypt(&mut self, key: &OneKey, sealed: &mut [u8]) -> Result<(), Refused> {
        let (text, tag) = sealed.split_last_chunk_mut::<TAG_LENGTH>().ok_or(Refused::Length)?;
        let cipher = P::ChaCha::new(&key.0).ok_or(Refused::Closed)?;
        *tag = cipher.seal(0, &self.hash, text).ok_or(Refused::Length)?;
        self.mix_hash(sealed);
        Ok(())
    }

    /// Decrypts `sealed` into the beginning of `room`; how much it is.
    pub(super) fn decrypt(&mut self, key: &OneKey, sealed: &[u8], room: &mut [u8]) -> Result<usize, Refused> {
        let (text, tag) = sealed.split_last_chunk::<TAG_LENGTH>().ok_or(Refused::Length)?;
        let room = room.get_mut(..text.len()).ok_or(Refused::Length)?;
        room.copy_from_slice(text);
        let cipher = P::ChaCha::new(&key.0).ok_or(Refused::Closed)?;
        if !cipher.open(0, &self.hash, room, tag) {
            room.fill(0);
            return Err(Refused::Forged);
        }
        self.mix_hash(sealed);
        Ok(room.len())
    }

    /// The keys of the initiator; the responder's are these swapped.
    pub(super) fn split(&self) -> Keys {
        let outputs = Hkdf::new::<P>(&self.chaining, &[]);
        Keys { send: outputs.first, receive: outputs.second, binding: self.hash }
    }
}
