//! Removing what a killed process left.

use std::io;

use skep_core::limits::NAME_MAX;

use super::{confined::Folder, fault::Kind, part};

/// Entries of directories looked at: some seconds' work at the start of a server.
const ENTRIES_MAX: usize = 1_000_000;

/// Entries looked at where a download begins, which is not to wait for that.
const ENTRIES_HERE_MAX: usize = 10_000;

/// Removes the unfinished files in this directory, and not below it, that no process holds.
pub(super) fn sweep_here(folder: &Folder) -> io::Result<usize> {
    sweep_one(folder, "", &mut ENTRIES_HERE_MAX.clone(), &mut Vec::new())
}

/// Removes the unfinished files that no process holds, and says how many.
pub(super) fn sweep(root: &Folder) -> io::Result<usize> {
    let mut left = ENTRIES_MAX;
    let mut below = Vec::new();
    let mut removed = sweep_one(root, "", &mut left, &mut below)?;
    while let Some(path) = below.pop() {
        // Not ours to read, or gone by now.
        let Ok(folder) = root.below(&path) else { continue };
        removed += sweep_one(&folder, &path, &mut left, &mut below).unwrap_or(0);
    }
    Ok(removed)
}

/// Sweeps one directory, and notes those below it: only where a name can reach, which bounds the depth too.
fn sweep_one(folder: &Folder, path: &str, left: &mut usize, below: &mut Vec<String>) -> io::Result<usize> {
    let mut leftovers = Vec::new();
    folder.entries(|name, kind| {
        match kind {
            Kind::Regular if part::is_temporary(name) => leftovers.push(name.to_owned()),
            Kind::Directory if path.len() + name.len() + 1 < NAME_MAX => below.push(join(path, name)),
            _ => {}
        }
        *left = left.saturating_sub(1);
        *left > 0
    })?;
    Ok(leftovers.iter().filter(|name| remove(folder, name)).count())
}

/// Removes a file if nobody has it locked. The lock is held meanwhile, so that nobody can start to use it.
fn remove(folder: &Folder, name: &str) -> bool {
    folder.read(name).is_ok_and(|file| part::lock(&file) && folder.remove(name).is_ok())
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}
