//! How much a directory holds.

use super::{announced::Announced, confined::Folder, fault::Kind};
use std::io;

/// Entries looked at; a directory with more counts as full.
const ENTRIES_MAX: usize = 100_000;

/// Bytes in the files of a directory and below: what they have, or what is announced of them if that is more.
pub(super) fn held(root: &Folder, announced: &Announced) -> io::Result<u64> {
    let mut left = ENTRIES_MAX;
    let mut sum = 0_u64;
    let mut below = vec![String::new()];
    while let Some(path) = below.pop() {
        let folder = if path.is_empty() { root.clone() } else { root.below(&path)? };
        let mut files = Vec::new();
        folder.entries(|name, kind| {
            match kind {
                Kind::Regular => files.push(name.to_owned()),
                Kind::Directory if path.is_empty() => below.push(name.to_owned()),
                Kind::Directory => below.push(format!("{path}/{name}")),
                _ => {}
            }
            left = left.saturating_sub(1);
            left > 0
        })?;
        if left == 0 {
            return Ok(u64::MAX);
        }
        // One that has gone meanwhile holds nothing.
        let sizes = files.iter().filter_map(|name| {
            let metadata = folder.read(name).and_then(|file| file.metadata()).ok()?;
            Some(size(&metadata).max(announced.length(name)))
        });
        sum = sizes.fold(sum, u64::saturating_add);
    }
    Ok(sum)
}

#[cfg(unix)]
fn size(metadata: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    metadata.len().max(metadata.blocks().saturating_mul(512))
}

#[cfg(not(unix))]
fn size(metadata: &std::fs::Metadata) -> u64 {
    metadata.len()
}
