//! Reading and writing at a place in a file, all or an error.
//!
//! One call of the system may move less than it was asked for. What follows here goes on from there.

use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut},
};

/// Fills the buffer; `UnexpectedEof` when the file ends before.
pub(super) fn read_exact(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    read_exact_vectored(file, &mut [IoSliceMut::new(buffer)], offset)
}

/// Fills the buffers in their order; `UnexpectedEof` when the file ends before.
pub(super) fn read_exact_vectored(
    file: &File,
    buffers: &mut [IoSliceMut<'_>],
    offset: u64,
) -> io::Result<()> {
    fill(buffers, offset, |buffers, offset| system::read(file, buffers, offset))
}

/// Writes the bytes.
pub(super) fn write_all(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    write_all_vectored(file, &mut [IoSlice::new(bytes)], offset)
}

/// Writes the bytes of all slices in their order.
pub(super) fn write_all_vectored(file: &File, slices: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
    empty(slices, offset, |slices, offset| system::write(file, slices, offset))
}

fn fill(
    mut buffers: &mut [IoSliceMut<'_>],
    mut offset: u64,
    mut read: impl FnMut(&mut [IoSliceMut<'_>], u64) -> io::Result<usize>,
) -> io::Result<()> {
    // Empty slices at the front would read as the end of the file.
    IoSliceMut::advance_slices(&mut buffers, 0);
    while !buffers.is_empty() {
        match read(buffers, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                IoSliceMut::advance_slices(&mut buffers, count);
                offset = offset.saturating_add(count as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn empty(
    mut slices: &mut [IoSlice<'_>],
    mut offset: u64,
    mut write: impl FnMut(&[IoSlice<'_>], u64) -> io::Result<usize>,
) -> io::Result<()> {
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        match write(slices, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                IoSlice::advance_slices(&mut slices, count);
                offset = offset.saturating_add(count as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
mod system {
    use super::{File, IoSlice, IoSliceMut, io};

    pub(super) fn read(file: &File, buffers: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        Ok(rustix::io::preadv(file, buffers, offset)?)
    }

    pub(super) fn write(file: &File, slices: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        Ok(rustix::io::pwritev(file, slices, offset)?)
    }
}

/// The first slice alone: the loops above do the rest.
#[cfg(not(target_os = "linux"))]
mod system {
    use super::{File, IoSlice, IoSliceMut, io};
    #[cfg(unix)]
    use std::os::unix::fs::FileExt;
    #[cfg(windows)]
    use std::os::windows::fs::FileExt;

    pub(super) fn read(file: &File, buffers: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        let Some(first) = buffers.first_mut() else { return Ok(0) };
        #[cfg(unix)]
        return file.read_at(first, offset);
        #[cfg(windows)]
        return file.seek_read(first, offset);
    }

    pub(super) fn write(file: &File, slices: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let Some(first) = slices.first() else { return Ok(0) };
        #[cfg(unix)]
        return file.write_at(first, offset);
        #[cfg(windows)]
        return file.seek_write(first, offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system that moves at most `most` bytes a call, over several slices, and is interrupted every third time.
    fn few(most: usize, calls: &mut u32, wanted: usize) -> io::Result<usize> {
        *calls += 1;
        if calls.is_multiple_of(3) { Err(io::ErrorKind::Interrupted.into()) } else { Ok(most.min(wanted)) }
    }

    #[test]
    fn a_read_that_comes_in_pieces_fills_every_buffer() {
        let content: Vec<u8> = (0..60).collect();
        for most in 1..=50 {
            let (mut a, mut b, mut c, mut calls) = ([0; 7], [0; 1], [0; 42], 0);
            let mut buffers = [
                IoSliceMut::new(&mut []),
                IoSliceMut::new(&mut a),
                IoSliceMut::new(&mut b),
                IoSliceMut::new(&mut []),
                IoSliceMut::new(&mut c),
            ];
            fill(&mut buffers, 5, |buffers, offset| {
                let count = few(most, &mut calls, buffers.iter().map(|buffer| buffer.len()).sum())?;
                let bytes = content[offset as usize..].iter().take(count);
                buffers
                    .iter_mut()
                    .flat_map(|buffer| buffer.iter_mut())
                    .zip(bytes)
                    .for_each(|(to, from)| *to = *from);
                Ok(count)
            })
            .unwrap();
            assert_eq!([&a[..], &b, &c].concat(), content[5..55]);
        }
    }

    #[test]
    fn a_write_that_goes_in_pieces_writes_every_slice() {
        for most in 1..=12 {
            let (mut written, mut calls) = (Vec::new(), 0);
            let mut slices =
                [IoSlice::new(b"one"), IoSlice::new(b""), IoSlice::new(b"two"), IoSlice::new(b"three")];
            empty(&mut slices, 9, |slices, offset| {
                assert_eq!(offset, 9 + written.len() as u64);
                let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
                let count = few(most, &mut calls, all.len())?;
                written.extend_from_slice(&all[..count]);
                Ok(count)
            })
            .unwrap();
            assert_eq!(written, b"onetwothree");
        }
    }

    #[test]
    fn an_early_end_is_an_error_and_nothing_wanted_is_none() {
        let mut byte = [0];
        let ended = fill(&mut [IoSliceMut::new(&mut byte)], 0, |_, _| Ok(0)).unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::UnexpectedEof);
        assert!(fill(&mut [IoSliceMut::new(&mut [])], 0, |_, _| panic!("nothing to read")).is_ok());
        assert!(empty(&mut [IoSlice::new(&[])], 0, |_, _| panic!("nothing to write")).is_ok());
    }
}
