//! What the two ends of a simulated TCP connection say to each other.

/// What a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The caller asks for a connection.
    Call,
    /// Yes.
    Answer,
    /// Bytes; also none, to be told what the other end has.
    Bytes,
    /// No byte follows this place.
    End,
    /// Only what it says of the other direction.
    Acknowledgement,
    /// There is no such connection, or not any more.
    Reset,
}

const KINDS: [Kind; 6] =
    [Kind::Call, Kind::Answer, Kind::Bytes, Kind::End, Kind::Acknowledgement, Kind::Reset];
const HEADER: usize = 26;

/// One segment. Places are counted in bytes from the beginning of a direction, the end is one more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) kind: Kind,
    /// The connection, as its caller numbers it.
    pub(crate) number: u32,
    pub(crate) by_caller: bool,
    /// The place of what it holds.
    pub(crate) place: u64,
    /// Everything before this place has come.
    pub(crate) acknowledged: u64,
    /// So many bytes behind that would be taken.
    pub(crate) window: u32,
    pub(crate) bytes: Vec<u8>,
}

impl Segment {
    pub(crate) fn emit(&self) -> Vec<u8> {
        let mut out = vec![self.kind as u8, u8::from(self.by_caller)];
        out.extend(self.number.to_be_bytes());
        out.extend(self.place.to_be_bytes());
        out.extend(self.acknowledged.to_be_bytes());
        out.extend(self.window.to_be_bytes());
        out.extend(&self.bytes);
        out
    }

    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let (header, bytes) = bytes.split_at(HEADER);
        Self {
            kind: KINDS[usize::from(header[0])],
            by_caller: header[1] == 1,
            number: u32::from_be_bytes(header[2..6].try_into().unwrap()),
            place: u64::from_be_bytes(header[6..14].try_into().unwrap()),
            acknowledged: u64::from_be_bytes(header[14..22].try_into().unwrap()),
            window: u32::from_be_bytes(header[22..26].try_into().unwrap()),
            bytes: bytes.to_vec(),
        }
    }
}
