//! What an ACK of skep's own tells of: which transmissions were received.

/// Which transmissions were received: the highest number, and those just before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Map(pub [u64; 4]);

impl Map {
    /// How many transmissions before the highest one the map tells of.
    pub const SPAN: u64 = 256;

    /// Whether the transmission `distance` before the highest was received; `distance` is 1 to [`Map::SPAN`].
    pub fn contains(&self, distance: u64) -> bool {
        let place = distance.wrapping_sub(1);
        self.0.get((place >> 6) as usize).is_some_and(|word| word >> (place & 63) & 1 == 1)
    }

    /// Marks the transmission `distance` before the highest as received.
    pub(crate) fn insert(&mut self, distance: u32) {
        let place = distance.wrapping_sub(1);
        if let Some(word) = self.0.get_mut((place >> 6) as usize) {
            *word |= 1 << (place & 63);
        }
    }

    /// The highest moves up by `distance`; the old highest is marked.
    pub(crate) fn advance(&mut self, distance: u32) {
        // Almost always by one; further than the map reaches makes no difference.
        let mut new = 1;
        for _ in 0..distance.min(Self::SPAN as u32 + 1) {
            for word in &mut self.0 {
                let top = *word >> 63;
                *word = *word << 1 | new;
                new = top;
            }
            new = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::miri::fewer;

    #[test]
    fn a_map_moves_as_a_plain_list_does() {
        let mut random = 1_u64;
        let (mut map, mut top, mut seen) = (Map::default(), 0_u64, vec![0_u64]);
        for _ in 0..fewer(5_000, 25) {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let step = match random >> 60 {
                0 => (random >> 40) as u32 % 400,
                _ => (random >> 40) as u32 % 5,
            };
            if step == 0 {
                let distance = (random >> 20) as u32 % 256 + 1;
                if u64::from(distance) <= top {
                    map.insert(distance);
                    seen.push(top - u64::from(distance));
                }
            } else {
                map.advance(step);
                top += u64::from(step);
                seen.push(top);
            }
            for distance in 1..=Map::SPAN.min(top) {
                assert_eq!(
                    map.contains(distance),
                    seen.contains(&(top - distance)),
                    "{distance} before {top}"
                );
            }
            seen.retain(|&number| number + 300 > top);
        }
    }
}
