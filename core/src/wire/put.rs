//! The emitter of every format: writes one field after another, and never past the end.

/// What does not fit is remembered, and nothing is written after it: one question at the end will do.
#[derive(Debug)]
pub(crate) struct Put<'o> {
    out: &'o mut [u8],
    length: Option<usize>,
}

impl<'o> Put<'o> {
    /// Begins at the start of `out`.
    pub(crate) const fn new(out: &'o mut [u8]) -> Self {
        Self { out, length: Some(0) }
    }

    /// These bytes. Numbers are written by their `to_be_bytes`, or `to_le_bytes`, as the format has them.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.length = self.length.and_then(|start| {
            let end = start.checked_add(bytes.len())?;
            self.out.get_mut(start..end)?.copy_from_slice(bytes);
            Some(end)
        });
    }

    /// A length in one byte, and so many bytes. More than 255 do not fit.
    pub(crate) fn counted(&mut self, bytes: &[u8]) {
        match u8::try_from(bytes.len()) {
            Ok(length) => {
                self.bytes(&[length]);
                self.bytes(bytes);
            }
            Err(_) => self.length = None,
        }
    }

    /// Zeros up to `size` bytes in all; nothing when there are that many already.
    #[cfg(feature = "seal")]
    pub(crate) fn pad(&mut self, size: usize) {
        self.length = self.length.and_then(|start| {
            if start < size {
                self.out.get_mut(start..size)?.fill(0);
            }
            Some(start.max(size))
        });
    }

    /// Takes back what was written after there were so many bytes; also what did not fit behind them.
    pub(crate) fn back_to(&mut self, length: usize) {
        self.length = Some(self.length.map_or(length, |now| now.min(length)).min(self.out.len()));
    }

    /// What was written.
    pub(crate) fn written(&mut self) -> &mut [u8] {
        self.length.and_then(|length| self.out.get_mut(..length)).unwrap_or_default()
    }

    /// How much was written; `None` when something did not fit.
    pub(crate) const fn length(&self) -> Option<usize> {
        self.length
    }
}
