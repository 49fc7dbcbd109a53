//! The power fails at every moment, and what was committed before is there.

mod board;

use super::{Nor, Storage, UNIT_MAX, Unusable};
use board::{Cut, Memory};
use core::task::Poll::Ready;
use skep_core::{
    stream::{Fault, FileId},
    wire::Name,
};

const A: FileId = FileId(0);
const B: FileId = FileId(1);

/// Bytes of an erase unit.
const ERASE: usize = 512;
/// Bytes of the whole flash: three files, with room for two erase units of content each.
const FLASH: usize = 3 * 3 * ERASE;

type Files<const WRITE: usize, const READ: usize> = Nor<Memory<WRITE, READ>, 3, 2>;

fn name(name: &str) -> Name<'_> {
    Name::new(name.as_bytes()).unwrap()
}

fn content(seed: u8, length: usize) -> Vec<u8> {
    (0..length).map(|place| (place as u8).wrapping_mul(31).wrapping_add(seed)).collect()
}

fn mount<const WRITE: usize, const READ: usize>(memory: Memory<WRITE, READ>) -> Files<WRITE, READ> {
    Nor::mount(memory, 0, FLASH as u32).unwrap()
}

/// Writes a file in pieces of `step` bytes, and commits it.
fn put(files: &mut impl Storage, path: &str, content: &[u8], step: usize) -> Result<(), Fault> {
    let outcome = (|| {
        let Ready(created) = files.create(A, name(path), Some(content.len() as u64)) else { unreachable!() };
        let mut offset = created? as usize;
        for piece in content[offset..].chunks(step) {
            let Ready(written) = files.write(A, offset as u64, piece) else { unreachable!() };
            written?;
            offset += piece.len();
        }
        let Ready(committed) = files.commit(A) else { unreachable!() };
        assert!(committed.is_err() || committed == Ok(content.len() as u64));
        committed.map(|_| ())
    })();
    files.release(A);
    outcome
}

fn get(files: &mut impl Storage, path: &str) -> Result<Vec<u8>, Fault> {
    let Ready(opened) = files.open(B, name(path)) else { unreachable!() };
    let outcome = opened.and_then(|length| {
        let mut content = vec![0; length as usize];
        let (mut offset, mut step) = (0, 1);
        while offset < content.len() {
            // In pieces of any size and place.
            let end = (offset + step).min(content.len());
            let Ready(read) = files.read(B, offset as u64, &mut content[offset..end]) else { unreachable!() };
            read?;
            (offset, step) = (end, step % 67 + 13);
        }
        Ok(content)
    });
    files.release(B);
    outcome
}

fn files_come_back<const WRITE: usize, const READ: usize>() {
    for length in [0, 1, WRITE - 1, WRITE, WRITE + 1, ERASE - 1, ERASE, ERASE + 1, 2 * ERASE] {
        for step in [1, WRITE, 100, 2_000] {
            let mut files = mount(Memory::<WRITE, READ>::new(FLASH));
            put(&mut files, "one", &content(1, length), step).unwrap();
            put(&mut files, "two", &content(2, length), step).unwrap();
            put(&mut files, "one", &content(3, length), step).unwrap();
            for _ in 0..2 {
                assert_eq!(get(&mut files, "one").unwrap(), content(3, length));
                assert_eq!(get(&mut files, "two").unwrap(), content(2, length));
                assert_eq!(get(&mut files, "three"), Err(Fault::NotFound));
                files = mount(files.unmount());
            }
        }
    }
}

#[test]
fn files_come_back_from_flashes_with_any_units() {
    files_come_back::<1, 1>();
    files_come_back::<4, 1>();
    files_come_back::<4, 4>();
    files_come_back::<8, 2>();
    files_come_back::<32, 1>();
    files_come_back::<UNIT_MAX, UNIT_MAX>();
}

/// A file is replaced while the power fails at each operation in turn, in the middle of it: what is there then is the old
/// file or the new one, and the new one if its commit was confirmed; and the other file is as it was.
fn power_fails<const WRITE: usize>() {
    let (old, new, other) = (content(1, 700), content(2, 900), content(3, 1_000));
    let mut memory = Memory::<WRITE, 1>::new(FLASH);
    let mut files = mount(memory);
    put(&mut files, "file", &old, 100).unwrap();
    put(&mut files, "other", &other, 100).unwrap();
    memory = files.unmount();
    let (mut saw_old, mut saw_new, mut operation) = (0, 0, 0);
    loop {
        for damage in 0..4 {
            let mut files = mount(memory.clone().failing(Cut { operation, damage }));
            let outcome = put(&mut files, "file", &new, 100);
            let mut files = mount(files.unmount().powered());
            let found = get(&mut files, "file").unwrap();
            assert!(found == old || found == new, "neither the old nor the new one after {operation}");
            assert!(outcome.is_err() || found == new, "confirmed, and gone after {operation}");
            assert_eq!(get(&mut files, "other").unwrap(), other, "after {operation}");
            if found == old {
                saw_old += 1;
            } else {
                saw_new += 1;
            }
            // It goes on as if nothing had been.
            put(&mut files, "file", &new, 333).unwrap();
            put(&mut files, "other", &old, 333).unwrap();
            let mut files = mount(files.unmount());
            assert_eq!(get(&mut files, "file").unwrap(), new);
            assert_eq!(get(&mut files, "other").unwrap(), old);
            if outcome.is_ok() {
                assert!(saw_old > 20 && saw_new > 0, "{saw_old} {saw_new}");
                return;
            }
        }
        operation += 1;
    }
}

#[test]
fn the_power_may_fail_at_every_write_and_erase() {
    power_fails::<1>();
    power_fails::<4>();
    power_fails::<32>();
}

/// The same for a file that goes on where it was when the power failed.
#[test]
fn an_unfinished_file_is_resumed_behind_what_is_marked() {
    let whole = content(5, 1_000);
    let mut most = 0;
    for cut in (0..).map(|number| Cut { operation: number / 4, damage: number % 4 }) {
        let mut files = mount(Memory::<4, 1>::new(FLASH).failing(cut));
        let outcome = put(&mut files, "file", &whole, 100);
        let mut files = mount(files.unmount().powered());
        if outcome.is_ok() {
            break;
        }
        let resumed = files.resume_point(name("file"), 1_000);
        most = most.max(resumed);
        assert_eq!(files.resume_point(name("file"), 999), 0, "that is another file");
        assert_eq!(files.resume_point(name("else"), 1_000), 0, "that is another file");
        if get(&mut files, "file").is_err() {
            assert_eq!(files.resume_point(name("file"), 1_000), resumed);
            put(&mut files, "file", &whole, 77).unwrap();
        }
        assert_eq!(get(&mut mount(files.unmount()), "file").unwrap(), whole);
    }
    assert_eq!(most, ERASE as u64);
}

#[test]
fn who_asks_where_to_resume_one_file_and_begins_another_begins_anew() {
    let mut files = mount(Memory::<4, 1>::new(FLASH));
    assert_eq!(files.create(A, name("file"), Some(1_000)), Ready(Ok(0)));
    assert_eq!(files.write(A, 0, &content(1, 600)), Ready(Ok(())));
    files.release(A);
    assert_eq!(files.resume_point(name("file"), 1_000), ERASE as u64);
    put(&mut files, "else", &content(2, 1_000), 50).unwrap();
    assert_eq!(get(&mut files, "else").unwrap(), content(2, 1_000));
    assert_eq!(get(&mut files, "file"), Err(Fault::NotFound));
}

#[test]
fn who_does_not_ask_where_to_resume_begins_anew() {
    let mut files = mount(Memory::<4, 1>::new(FLASH));
    assert_eq!(files.create(A, name("file"), Some(1_000)), Ready(Ok(0)));
    assert_eq!(files.write(A, 0, &content(1, 600)), Ready(Ok(())));
    files.release(A);
    put(&mut files, "file", &content(2, 1_000), 50).unwrap();
    assert_eq!(get(&mut files, "file").unwrap(), content(2, 1_000));
}

#[test]
fn a_file_that_is_read_stays_while_it_is_replaced() {
    let mut files = mount(Memory::<4, 1>::new(FLASH));
    put(&mut files, "file", &content(1, 900), 100).unwrap();
    assert_eq!(files.open(B, name("file")), Ready(Ok(900)));
    put(&mut files, "file", &content(2, 500), 100).unwrap();
    put(&mut files, "third", &content(3, 500), 100).unwrap();
    assert_eq!(put(&mut files, "fourth", &[], 1), Err(Fault::NoSpace));
    let mut read = vec![0; 900];
    assert_eq!(files.read(B, 0, &mut read), Ready(Ok(())));
    assert_eq!(read, content(1, 900));
    files.release(B);
    assert_eq!(put(&mut files, "fourth", &[], 1), Ok(()));
    assert_eq!(get(&mut files, "file").unwrap(), content(2, 500));
}

#[test]
fn a_removed_file_is_gone_and_the_one_that_it_replaced_too() {
    let mut files = mount(Memory::<4, 1>::new(FLASH));
    put(&mut files, "file", &content(1, 900), 100).unwrap();
    put(&mut files, "file", &content(2, 900), 100).unwrap();
    assert_eq!(files.remove(name("file")), Ok(()));
    assert_eq!(files.remove(name("file")), Err(Fault::NotFound));
    let mut files = mount(files.unmount());
    assert_eq!(get(&mut files, "file"), Err(Fault::NotFound));
}

#[test]
fn what_does_not_fit_is_refused_and_what_is_wrong_fails() {
    let mut files = mount(Memory::<4, 1>::new(FLASH));
    assert_eq!(files.file_max(), 2 * ERASE as u64);
    assert_eq!(put(&mut files, "file", &content(1, 2 * ERASE + 1), 100), Err(Fault::TooLarge));
    assert_eq!(files.create(A, name("file"), None), Ready(Ok(0)));
    assert_eq!(files.write(A, 4, b"late"), Ready(Err(Fault::Failed)), "not in order");
    assert_eq!(files.write(A, 0, &content(1, 2 * ERASE)), Ready(Ok(())));
    assert_eq!(files.write(A, 2 * ERASE as u64, b"more"), Ready(Err(Fault::NoSpace)));
    files.release(A);
    let mount = |from, to| Files::<4, 1>::mount(Memory::new(FLASH), from, to).err();
    assert_eq!(mount(0, FLASH as u32 + 1), Some(Unusable::Geometry));
    assert_eq!(mount(1, FLASH as u32), Some(Unusable::Geometry));
    assert_eq!(mount(0, 2 * ERASE as u32), Some(Unusable::Geometry));
    assert_eq!(mount(0, FLASH as u32), None);
}
