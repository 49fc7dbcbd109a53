//! Writes one field after another.

/// Remembers when a field did not fit.
pub(super) struct Put<'o> {
    out: &'o mut [u8],
    length: Option<usize>,
}

impl<'o> Put<'o> {
    pub(super) fn new(out: &'o mut [u8]) -> Self {
        Self { out, length: Some(0) }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.length = self.length.and_then(|start| {
            let end = start.checked_add(bytes.len())?;
            self.out.get_mut(start..end)?.copy_from_slice(bytes);
            Some(end)
        });
    }

    /// Zeros up to `size` bytes in all; nothing when there are that many already.
    pub(super) fn pad(&mut self, size: usize) {
        self.length = self.length.and_then(|start| {
            if start < size {
                self.out.get_mut(start..size)?.fill(0);
            }
            Some(start.max(size))
        });
    }

    /// What was written.
    pub(super) fn written(&self) -> &[u8] {
        self.length.and_then(|length| self.out.get(..length)).unwrap_or_default()
    }

    /// How much was written; `None` when something did not fit.
    pub(super) fn length(self) -> Option<usize> {
        self.length
    }
}
