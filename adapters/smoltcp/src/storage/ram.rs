//! Files in RAM.

use super::{Answer, Storage};
use core::task::Poll::Ready;
use heapless::Vec;
use skep_core::{
    limits::NAME_MAX,
    stream::{Fault, FileId},
    wire::Name,
};

/// At most `FILES` files of at most `SIZE` bytes each. A file that replaces another has a place of its own until it is
/// committed. What is released before that is gone.
#[derive(Debug)]
pub struct Ram<const FILES: usize, const SIZE: usize> {
    places: [Place<SIZE>; FILES],
    /// What is open for reading.
    open: Vec<(FileId, usize), FILES>,
}

#[derive(Debug)]
struct Place<const SIZE: usize> {
    name: Vec<u8, NAME_MAX, u8>,
    bytes: [u8; SIZE],
    length: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    /// Being written.
    Part(FileId),
    /// Visible; changes when it is replaced.
    Whole,
    /// Replaced while it was read: free when it is released.
    Gone,
}

impl<const SIZE: usize> Place<SIZE> {
    const NEW: Self = Self { name: Vec::new(), bytes: [0; SIZE], length: 0, state: State::Free };
}

impl<const FILES: usize, const SIZE: usize> Ram<FILES, SIZE> {
    /// No files.
    pub const fn new() -> Self {
        Self { places: [const { Place::NEW }; FILES], open: Vec::new() }
    }

    /// The content of a file.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let place = self.places.get(self.find(name.as_bytes())?)?;
        place.bytes.get(..place.length)
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        self.places.iter().position(|place| place.state == State::Whole && place.name == name)
    }

    fn part(&mut self, file: FileId) -> Option<&mut Place<SIZE>> {
        self.places.iter_mut().find(|place| place.state == State::Part(file))
    }

    fn is_open(&self, number: usize) -> bool {
        self.open.iter().any(|open| open.1 == number)
    }
}

impl<const FILES: usize, const SIZE: usize> Default for Ram<FILES, SIZE> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const FILES: usize, const SIZE: usize> Storage for Ram<FILES, SIZE> {
    const WRITE_UNIT: usize = 1;
    const ERASE_UNIT: usize = 1;
    const RANDOM_WRITES: bool = true;

    fn open(&mut self, file: FileId, name: Name<'_>) -> Answer<u64> {
        let Some(number) = self.find(name.as_str().as_bytes()) else { return Ready(Err(Fault::NotFound)) };
        let length = self.places.get(number).map_or(0, |place| place.length as u64);
        let pushed = self.open.push((file, number));
        Ready(pushed.map(|()| length).map_err(|_| Fault::Busy))
    }

    fn create(&mut self, file: FileId, name: Name<'_>, length: Option<u64>) -> Answer<u64> {
        if length.is_some_and(|length| length > SIZE as u64) {
            return Ready(Err(Fault::TooLarge));
        }
        let Some(place) = self.places.iter_mut().find(|place| place.state == State::Free) else {
            return Ready(Err(Fault::NoSpace));
        };
        let Ok(name) = Vec::from_slice(name.as_str().as_bytes()) else { return Ready(Err(Fault::BadName)) };
        place.name = name;
        place.length = 0;
        place.state = State::Part(file);
        Ready(Ok(0))
    }

    fn commit(&mut self, file: FileId) -> Answer<u64> {
        let Some(new) = self.places.iter().position(|place| place.state == State::Part(file)) else {
            return Ready(Err(Fault::Failed));
        };
        let old = self.places.get(new).and_then(|place| self.find(&place.name));
        if let Some(old) = old {
            let state = if self.is_open(old) { State::Gone } else { State::Free };
            self.places[old].state = state;
        }
        self.places[new].state = State::Whole;
        Ready(Ok(self.places[new].length as u64))
    }

    fn read(&mut self, file: FileId, offset: u64, into: &mut [u8]) -> Answer<()> {
        let number = self.open.iter().find(|open| open.0 == file).map(|open| open.1);
        let place = number.and_then(|number| self.places.get(number));
        let content = place.and_then(|place| place.bytes.get(..place.length));
        Ready(super::copy(content.unwrap_or_default(), offset, into))
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Answer<()> {
        let Some(place) = self.part(file) else { return Ready(Err(Fault::Failed)) };
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(bytes.len());
        let Some(room) = place.bytes.get_mut(start..end) else { return Ready(Err(Fault::NoSpace)) };
        room.copy_from_slice(bytes);
        place.length = place.length.max(end);
        Ready(Ok(()))
    }

    fn release(&mut self, file: FileId) {
        if let Some(place) = self.part(file) {
            place.state = State::Free;
        }
        let Some(index) = self.open.iter().position(|open| open.0 == file) else { return };
        let (_, number) = self.open.swap_remove(index);
        if !self.is_open(number)
            && let Some(place) = self.places.get_mut(number)
            && place.state == State::Gone
        {
            place.state = State::Free;
        }
    }
}
