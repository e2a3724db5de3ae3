//! Attached photographs as large as cameras make them, and larger.

use dossier_report::Shown;

use crate::attached::{assert_shown, attached, only};

/// Writes the bits of coded data (ITU-T T.81, F.1.2.3).
#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, bits: u32, count: u32) {
        self.held = self.held << count | bits;
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.held >> self.count) as u8;
            self.out.push(byte);
            if byte == 0xff {
                self.out.push(0);
            }
            self.held &= (1 << self.count) - 1;
        }
    }

    /// A difference between mean values.
    fn difference(&mut self, value: i32) {
        let bits = i32::BITS - value.unsigned_abs().leading_zeros();
        self.push(bits, 4);
        let coded = if value < 0 {
            value + (1 << bits) - 1
        } else {
            value
        };
        self.push(coded as u32, bits);
    }

    /// Fills the last byte.
    fn end(&mut self) {
        self.push(0x7f, 7);
        (self.held, self.count) = (0, 0);
    }

    fn scan(mut self) -> Vec<u8> {
        self.end();
        self.out
    }
}

fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16 + 2).to_be_bytes();
    [&[0xff, marker][..], &length, data].concat()
}

/// The mean value of a block: a slope with steps.
fn mean(row: u32, column: u32, component: u8) -> i32 {
    ((row * 3 + column * 5 + u32::from(component) * 40) % 97) as i32 * 4 - 200
}

fn has_third(row: u32, column: u32) -> bool {
    (row + column).is_multiple_of(2)
}

fn has_fifth(row: u32, column: u32) -> bool {
    (row + column).is_multiple_of(3)
}

/// Whether an image comes row by row or from coarse to fine.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Sequential,
    Progressive,
}

/// A photograph with half the resolution for colours, as cameras make them.
fn photograph(width: u32, height: u32, order: Order) -> Vec<u8> {
    let [h1, h0] = (height as u16).to_be_bytes();
    let [w1, w0] = (width as u16).to_be_bytes();
    let frame = [8, h1, h0, w1, w0, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0];
    // All codes of a table are as long as each other: the code is the value's place.
    let mut differences = vec![0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    differences.extend(0..12);
    let mut coefficients = vec![0x10, 0, 0, 0, 0, 0, 0, 0, 240, 0, 0, 0, 0, 0, 0, 0, 0];
    coefficients.extend(0..240);
    let mut quantities = vec![0];
    quantities.extend([4; 64]);
    let sof = match order {
        Order::Sequential => 0xc0,
        Order::Progressive => 0xc2,
    };
    let mut out = [
        vec![0xff, 0xd8],
        segment(0xdb, &quantities),
        segment(sof, &frame),
        segment(0xc4, &differences),
        segment(0xc4, &coefficients),
    ]
    .concat();
    let last = if order == Order::Sequential { 63 } else { 0 };
    if order == Order::Sequential {
        out.extend(segment(0xdd, &(width.div_ceil(16) as u16).to_be_bytes()));
    }
    out.extend(segment(0xda, &[3, 1, 0, 2, 0, 3, 0, 0, last, 0]));
    out.extend(units(width, height, order));
    if order == Order::Progressive {
        let rows = height.div_ceil(8);
        let columns = width.div_ceil(8);
        out.extend(segment(0xda, &[1, 1, 0, 1, 63, 0x01]));
        out.extend(coarse(rows, columns));
        out.extend(segment(0xda, &[1, 1, 0, 1, 63, 0x10]));
        out.extend(fine(rows, columns));
        for colour in [2, 3] {
            out.extend(segment(0xda, &[1, colour, 0, 1, 63, 0x00]));
            out.extend(nothing(
                height.div_ceil(2).div_ceil(8) * width.div_ceil(2).div_ceil(8),
            ));
        }
    }
    out.extend([0xff, 0xd9]);
    out
}

/// Four blocks of light and one of each colour at a time; a sequential image starts anew with each
/// row of them.
fn units(width: u32, height: u32, order: Order) -> Vec<u8> {
    let mut bits = Bits::default();
    let mut last = [0; 3];
    for row in 0..height.div_ceil(16) {
        if row > 0 && order == Order::Sequential {
            bits.end();
            bits.out.extend([0xff, 0xd0 + ((row - 1) % 8) as u8]);
            last = [0; 3];
        }
        for column in 0..width.div_ceil(16) {
            for (component, y, x) in [
                (0, 0, 0),
                (0, 0, 1),
                (0, 1, 0),
                (0, 1, 1),
                (1, 0, 0),
                (2, 0, 0),
            ] {
                let (y, x) = (2 * row + y, 2 * column + x);
                let mean = mean(y, x, component);
                bits.difference(mean - last[usize::from(component)]);
                last[usize::from(component)] = mean;
                if order == Order::Sequential {
                    if component == 0 && has_third(y, x) {
                        bits.push(0x21, 8);
                        bits.push(1, 1);
                    }
                    bits.push(0, 8);
                }
            }
        }
    }
    bits.scan()
}

/// The third coefficient of half of the blocks, without its last bit.
fn coarse(rows: u32, columns: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    for row in 0..rows {
        for column in 0..columns {
            if has_third(row, column) {
                bits.push(0x21, 8);
                bits.push(1, 1);
            }
            bits.push(0, 8);
        }
    }
    bits.scan()
}

/// The last bit of what was coarse, and the fifth coefficient of a third of the blocks.
fn fine(rows: u32, columns: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    for row in 0..rows {
        for column in 0..columns {
            let third = has_third(row, column);
            if has_fifth(row, column) {
                bits.push(if third { 0x31 } else { 0x41 }, 8);
                bits.push(1, 1);
                if third {
                    bits.push(1, 1);
                }
                bits.push(0, 8);
            } else {
                bits.push(0, 8);
                if third {
                    bits.push(1, 1);
                }
            }
        }
    }
    bits.scan()
}

/// Blocks without coefficients, many in one code.
fn nothing(mut blocks: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    while blocks > 0 {
        let length = blocks.ilog2().min(14);
        bits.push(length << 4, 8);
        let more = (blocks - (1 << length)).min((1 << length) - 1);
        bits.push(more, length);
        blocks -= (1 << length) + more;
    }
    bits.scan()
}

/// The sides of an image that can be decoded within the limit, and of one that cannot.
const SIDES: [(Order, [u32; 2], [u32; 2]); 2] = [
    (Order::Sequential, [6_000, 3_920], [8_100, 8_000]),
    (Order::Progressive, [6_000, 3_920], [6_001, 5_603]),
];

#[test]
fn photographs_that_are_whole_are_passed_through_whatever_their_size() {
    for (order, some, more) in SIDES {
        for [width, height] in [some, more] {
            let bytes = photograph(width, height, order);
            let report = attached(&[("photo.jpg", "image/jpeg", bytes.clone())]);
            assert_shown(&report, Shown::Whole);
            let file = report.bytes();
            assert!(file.windows(bytes.len()).any(|part| part == bytes));
        }
    }
}

#[test]
fn a_photograph_of_which_half_is_missing_says_so_whatever_its_size() {
    for (order, some, more) in SIDES {
        for ([width, height], shown, note) in [
            (
                some,
                Shown::Part,
                "The file is damaged: the image could only be read in part.",
            ),
            (
                more,
                Shown::NameOnly,
                "This attachment could not be shown because the file is damaged, and the image too \
                 large to show a part of it.",
            ),
        ] {
            let whole = photograph(width, height, order);
            let half = whole[..whole.len() / 2].to_vec();
            let ended = [&half[..], b"\xff\xd9"].concat();
            for bytes in [half, ended] {
                let report = attached(&[("photo.jpg", "image/jpeg", bytes)]);
                assert_eq!(only(&report.summary).shown, shown, "{width} × {height}");
                report.assert_shows(note);
                report.assert_shows("The file itself is kept beside this report.");
            }
        }
    }
}

#[test]
fn a_large_photograph_without_its_last_scans_says_so() {
    let [width, height] = SIDES[1].2;
    let whole = photograph(width, height, Order::Progressive);
    let scans: Vec<usize> = (0..whole.len() - 1)
        .filter(|at| whole[*at..].starts_with(&[0xff, 0xda]))
        .collect();
    assert_eq!(scans.len(), 5);
    let cut = whole[..scans[2]].to_vec();
    let report = attached(&[("photo.jpg", "image/jpeg", cut)]);
    assert_shown(&report, Shown::NameOnly);
}
