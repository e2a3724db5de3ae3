/// Which levels a volume's headings are tagged with: below the title no level is left out
/// (ISO 14289-1, 7.4.2), and headings of one level that follow one another stay of one level.
#[derive(Default)]
pub(super) struct HeadingLevels {
    /// The headings around what comes next, outermost first.
    open: Vec<OpenHeading>,
}

#[derive(Clone, Copy)]
struct OpenHeading {
    written: u8,
    tagged: u8,
}

impl HeadingLevels {
    /// Takes the next heading, of a level from 1, and returns what it is tagged with: one below the
    /// last heading that is less deep, and so never deeper than written.
    pub fn tagged(&mut self, written: u8) -> u8 {
        self.open.retain(|heading| heading.written < written);
        let tagged = self.open.last().map_or(1, |around| around.tagged + 1);
        self.open.push(OpenHeading { written, tagged });
        tagged
    }

    /// Starts again, as for another section or volume.
    pub fn clear(&mut self) {
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::HeadingLevels;

    fn tagged(written: &[u8]) -> Vec<u8> {
        let mut levels = HeadingLevels::default();
        written.iter().map(|level| levels.tagged(*level)).collect()
    }

    #[test]
    fn levels_that_are_left_out_are_closed_up_for_all_siblings() {
        assert_eq!(tagged(&[1, 2, 5, 5, 5]), [1, 2, 3, 3, 3]);
        assert_eq!(tagged(&[1, 4, 6, 6, 4, 6]), [1, 2, 3, 3, 2, 3]);
        assert_eq!(tagged(&[1, 4, 6, 5, 3, 4]), [1, 2, 3, 3, 2, 3]);
        assert_eq!(tagged(&[1, 2, 3, 4, 5, 6]), [1, 2, 3, 4, 5, 6]);
    }

    proptest! {
        #[test]
        fn no_level_is_skipped_and_siblings_are_equal(
            below in prop::collection::vec(2_u8..=6, 0..40),
        ) {
            let written = [&[1], &below[..]].concat();
            let tagged = tagged(&written);
            for (at, level) in written.iter().enumerate() {
                prop_assert!(tagged[at] <= *level, "{:?} as {:?}", written, tagged);
                let above = at.checked_sub(1).map_or(0, |before| tagged[before]);
                prop_assert!(tagged[at] <= above + 1, "{:?} as {:?}", written, tagged);
                let around = (0..at).rev().find(|before| written[*before] <= *level);
                if let Some(around) = around {
                    let step = u8::from(written[around] < *level);
                    let expected = tagged[around] + step;
                    prop_assert_eq!(tagged[at], expected, "{:?} as {:?}", written, tagged);
                }
            }
        }
    }
}
