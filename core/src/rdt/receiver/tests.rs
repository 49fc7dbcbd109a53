//! Parts of segments: they come in any order, mixed with whole ones, and are acknowledged as a whole.

use super::*;
use crate::rdt::Fixed;

const FILE: FileId = FileId(3);
const SIZE: u16 = 5;

fn receiver() -> Receiver<Fixed<1, 32, true, true>> {
    let mut receiver = Receiver::new();
    receiver.open(SIZE, 32, true);
    receiver
}

/// The extents of a segment of `length` bytes: whole, its first part, its second.
fn extents(length: u16) -> [Extent; 3] {
    let half = Own::half(length);
    [(0, length), (0, half), (half, length)].map(|(start, end)| Extent { start, end, length })
}

/// Stores what came; whether the segment is complete with it.
fn store(receiver: &mut Receiver<Fixed<1, 32, true, true>>, segment: u32, extent: Extent) -> bool {
    let Verdict::Store { skip, length, file, offset } = receiver.judge(segment, extent) else { panic!() };
    assert_eq!((skip, skip + length, file), (extent.start, extent.end, FILE));
    assert_eq!(offset, 100 + u64::from(segment) * u64::from(SIZE) + u64::from(extent.start));
    receiver.store(segment, skip, length, extent.length)
}

#[test]
fn parts_of_content_are_stored_in_any_order_and_complete_their_segment() {
    let [whole, first, second] = extents(SIZE);
    // Each time the second segment, and then the first.
    for order in [
        vec![whole],
        vec![first, second],
        vec![second, first],
        vec![second, second, first],
        vec![first, whole],
    ] {
        let mut receiver = receiver();
        receiver.receive(FILE, 100, 12);
        for segment in [1, 0] {
            let complete: Vec<_> =
                order.iter().map(|&extent| store(&mut receiver, segment, extent)).collect();
            let (last, before) = complete.split_last().unwrap();
            assert!(*last && before.iter().all(|it| !it), "{order:?}");
            assert_eq!(receiver.judge(segment, first), Verdict::Duplicate);
        }
        assert_eq!((receiver.next(), receiver.bytes_stored), (2, 10));
        // The last one is shorter.
        let [_, first, second] = extents(2);
        assert!(!store(&mut receiver, 2, second) && !receiver.take_complete());
        assert!(store(&mut receiver, 2, first) && receiver.take_complete());
        assert_eq!(receiver.bytes_stored, 12);
    }
}

#[test]
fn a_part_of_a_segment_of_another_length_is_a_misfit() {
    let mut receiver = receiver();
    receiver.receive(FILE, 100, 12);
    for extent in extents(4) {
        assert_eq!(receiver.judge(0, extent), Verdict::Misfit);
    }
}

#[test]
fn a_message_is_taken_part_by_part_and_in_order() {
    let [whole, first, second] = extents(SIZE);
    let mut receiver = receiver();
    assert_eq!(receiver.judge(0, second), Verdict::Early);
    assert_eq!(receiver.judge(0, first), Verdict::Message { skip: 0 });
    // The application takes two of three bytes, and then wants no more.
    assert!(!receiver.taken(0, 2, first) && receiver.blocked);
    receiver.unblock();
    assert_eq!(receiver.judge(0, first), Verdict::Message { skip: 2 });
    assert!(!receiver.taken(0, 1, first) && !receiver.blocked);
    assert_eq!(receiver.judge(0, first), Verdict::Early);
    assert_eq!(receiver.judge(0, whole), Verdict::Message { skip: 3 });
    assert_eq!(receiver.judge(0, second), Verdict::Message { skip: 3 });
    assert!(receiver.taken(0, 2, second));
    assert_eq!(receiver.next(), 1);
}

#[test]
fn content_may_begin_inside_a_part() {
    let [_, first, second] = extents(SIZE);
    let mut receiver = receiver();
    assert!(!receiver.taken(0, 1, first));
    receiver.receive(FILE, 100, 4 + u64::from(SIZE));
    assert_eq!(receiver.judge(0, first), Verdict::Store { skip: 1, length: 2, file: FILE, offset: 100 });
    assert!(!receiver.store(0, 1, 2, SIZE));
    assert_eq!(receiver.judge(1, second), Verdict::Early);
    assert_eq!(receiver.judge(0, second), Verdict::Store { skip: 3, length: 2, file: FILE, offset: 102 });
    assert!(receiver.store(0, 3, 2, SIZE));
    let offset = 104 + 3;
    assert_eq!(receiver.judge(1, second), Verdict::Store { skip: 3, length: 2, file: FILE, offset });
}
