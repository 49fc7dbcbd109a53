//! What holds of every store.

use super::{Ram, Rom, Split, Storage};
use core::task::Poll::Ready;
use skep_core::{
    stream::{Fault, FileId},
    wire::Name,
};

const A: FileId = FileId(0);
const B: FileId = FileId(1);

fn name(name: &str) -> Name<'_> {
    Name::new(name.as_bytes()).unwrap()
}

fn put(store: &mut impl Storage, path: &str, content: &[u8]) -> Result<u64, Fault> {
    let Ready(created) = store.create(A, name(path), Some(content.len() as u64)) else { unreachable!() };
    let outcome = created.and_then(|_| {
        let Ready(written) = store.write(A, 0, content) else { unreachable!() };
        let Ready(committed) = store.commit(A) else { unreachable!() };
        written.and(committed)
    });
    store.release(A);
    outcome
}

fn get(store: &mut impl Storage, path: &str) -> Result<Vec<u8>, Fault> {
    let Ready(opened) = store.open(B, name(path)) else { unreachable!() };
    let outcome = opened.and_then(|length| {
        let mut content = vec![0; length as usize];
        let Ready(read) = store.read(B, 0, &mut content) else { unreachable!() };
        read.map(|()| content)
    });
    store.release(B);
    outcome
}

#[test]
fn ram_shows_a_file_when_it_is_committed_and_replaces_it_in_one_step() {
    let mut ram = Ram::<2, 8>::new();
    assert_eq!(get(&mut ram, "a"), Err(Fault::NotFound));
    assert_eq!(ram.create(A, name("a"), Some(4)), Ready(Ok(0)));
    // In any order.
    assert_eq!(ram.write(A, 2, b"34"), Ready(Ok(())));
    assert_eq!(get(&mut ram, "a"), Err(Fault::NotFound));
    assert_eq!(ram.write(A, 0, b"12"), Ready(Ok(())));
    assert_eq!(ram.commit(A), Ready(Ok(4)));
    ram.release(A);
    assert_eq!(get(&mut ram, "a").unwrap(), b"1234");
    assert_eq!(put(&mut ram, "a", b"new"), Ok(3));
    assert_eq!((get(&mut ram, "a").unwrap(), ram.get("a")), (b"new".to_vec(), Some(&b"new"[..])));
}

#[test]
fn ram_forgets_what_was_not_committed_and_refuses_what_does_not_fit() {
    let mut ram = Ram::<1, 8>::new();
    assert_eq!(ram.create(A, name("a"), None), Ready(Ok(0)));
    assert_eq!(ram.write(A, 4, b"12345"), Ready(Err(Fault::NoSpace)));
    assert_eq!(ram.create(B, name("b"), Some(1)), Ready(Err(Fault::NoSpace)));
    ram.release(B);
    ram.release(A);
    assert_eq!(put(&mut ram, "a", b"123456789"), Err(Fault::TooLarge));
    assert_eq!(put(&mut ram, "b", b"12345678"), Ok(8));
    let mut room = [0; 2];
    assert_eq!(ram.open(B, name("b")), Ready(Ok(8)));
    assert_eq!(ram.read(B, 7, &mut room), Ready(Err(Fault::Changed)));
}

#[test]
fn ram_keeps_a_file_that_is_read_while_another_takes_its_name() {
    let mut ram = Ram::<2, 8>::new();
    put(&mut ram, "a", b"old").unwrap();
    assert_eq!(ram.open(B, name("a")), Ready(Ok(3)));
    put(&mut ram, "a", b"new").unwrap();
    assert_eq!(put(&mut ram, "c", b"x"), Err(Fault::NoSpace));
    let mut room = [0; 3];
    assert_eq!(ram.read(B, 0, &mut room), Ready(Ok(())));
    assert_eq!(&room, b"old");
    ram.release(B);
    assert_eq!(put(&mut ram, "c", b"x"), Ok(1));
    assert_eq!(get(&mut ram, "a").unwrap(), b"new");
}

#[test]
fn rom_is_read_and_not_written() {
    let mut rom = Rom::<1>::new(&[("a", b"one"), ("b/c", b"")]);
    assert_eq!(get(&mut rom, "a").unwrap(), b"one");
    assert_eq!(get(&mut rom, "b/c").unwrap(), b"");
    assert_eq!(get(&mut rom, "b"), Err(Fault::NotFound));
    assert_eq!(put(&mut rom, "a", b"two"), Err(Fault::NotAllowed));
    assert_eq!(rom.open(A, name("a")), Ready(Ok(3)));
    assert_eq!(rom.open(B, name("a")), Ready(Err(Fault::Busy)));
}

#[test]
fn split_writes_to_the_first_and_reads_from_both() {
    let mut split = Split::<_, _, 2>::new(Ram::<2, 8>::new(), Rom::<2>::new(&[("a", b"rom"), ("b", b"rom")]));
    assert_eq!(put(&mut split, "a", b"ram"), Ok(3));
    assert_eq!(get(&mut split, "a").unwrap(), b"ram");
    assert_eq!(get(&mut split, "b").unwrap(), b"rom");
    assert_eq!(get(&mut split, "c"), Err(Fault::NotFound));
    // Both at once, each released where it was opened.
    assert_eq!(split.open(A, name("a")), Ready(Ok(3)));
    assert_eq!(split.open(B, name("b")), Ready(Ok(3)));
    split.release(A);
    let mut room = [0; 3];
    assert_eq!(split.read(B, 0, &mut room), Ready(Ok(())));
    assert_eq!(&room, b"rom");
    split.release(B);
    assert_eq!(get(&mut split, "b").unwrap(), b"rom");
}
