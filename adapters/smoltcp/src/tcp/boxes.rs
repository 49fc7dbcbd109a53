//! What is between a socket and the files.
//!
//! ```text
//!   inbox     ... | text | rest of its record | bytes that came, not looked at | room
//!                 start                                                         end
//!   outbox    ... | bytes that the socket did not take | room
//! ```

/// Bytes that came.
#[derive(Debug)]
pub struct Inbox<const SIZE: usize> {
    bytes: [u8; SIZE],
    start: usize,
    /// Bytes of text from `start` on.
    text: usize,
    /// Bytes behind the text that go with it.
    skip: usize,
    end: usize,
}

impl<const SIZE: usize> Inbox<SIZE> {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; SIZE], start: 0, text: 0, skip: 0, end: 0 }
    }

    pub(super) const fn clear(&mut self) {
        (self.start, self.text, self.skip, self.end) = (0, 0, 0, 0);
    }

    /// Room for more bytes.
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.bytes[self.end..]
    }

    /// So many came.
    pub(super) const fn filled(&mut self, count: usize) {
        self.end += count;
    }

    /// Text that was not taken.
    pub(super) fn text(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.text]
    }

    /// So much of the text was taken.
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.text);
        self.start += count;
        self.text -= count;
        if self.text == 0 {
            self.start += core::mem::take(&mut self.skip);
        }
    }

    /// The bytes behind the text, if all of it was taken.
    #[cfg(feature = "seal")]
    pub(super) fn raw(&mut self) -> &mut [u8] {
        if self.text > 0 { &mut [] } else { &mut self.bytes[self.start..self.end] }
    }

    /// Of the raw bytes so many are not text, so many after them are, and so many after these are not.
    #[cfg(feature = "seal")]
    pub(super) fn open(&mut self, front: usize, text: usize, back: usize) {
        self.start += front;
        self.text = text;
        self.skip = back;
        if text == 0 {
            self.start += core::mem::take(&mut self.skip);
        }
    }

    /// All that came is text.
    pub(super) const fn open_all(&mut self) {
        self.text = self.end - self.start;
    }
}

/// Bytes that go.
#[derive(Debug)]
pub struct Outbox<const SIZE: usize> {
    bytes: [u8; SIZE],
    start: usize,
    end: usize,
}

impl<const SIZE: usize> Outbox<SIZE> {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; SIZE], start: 0, end: 0 }
    }

    pub(super) const fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Puts these behind nothing else. `false`: there is something, or too little room.
    #[cfg(feature = "seal")]
    pub(super) fn put(&mut self, bytes: &[u8]) -> bool {
        if self.start < self.end {
            return false;
        }
        let Some(room) = self.bytes.get_mut(..bytes.len()) else { return false };
        room.copy_from_slice(bytes);
        (self.start, self.end) = (0, bytes.len());
        true
    }

    /// All of it, when it is empty.
    pub(super) const fn room(&mut self) -> &mut [u8; SIZE] {
        &mut self.bytes
    }

    /// The first `length` bytes of the room are to go.
    pub(super) fn filled(&mut self, length: usize) {
        (self.start, self.end) = (0, length.min(SIZE));
    }
}
