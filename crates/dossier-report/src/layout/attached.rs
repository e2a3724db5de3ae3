use super::canvas::{Drawing, paper};
use super::composer::Composer;
use crate::ReportError;
use crate::pdf::ObjectId;

/// The part of a page's width and height that an image may take (`report-layout.md`).
const IMAGE_SHARE: f32 = 0.75;
/// An image that is a little too high for the room below its title is made smaller by at most this
/// factor, so that it stays with its title.
const SHRUNK_MIN: f32 = 0.8;
/// Where an imported page may lie: between the header and the footer.
const SHEET_LEFT: f32 = 28.0;
const SHEET_TOP: f32 = 76.0;
const SHEET_BOTTOM: f32 = paper::FOOTER - 8.0;
/// From the paper's top to a logo, and the width and height that it may take.
const LOGO_TOP: f32 = 72.0;
const LOGO_ROOM: [f32; 2] = [240.0, 84.0];
/// Points between a text and the figure below it.
const GAP: f32 = 8.0;
const FRAME: f32 = 0.5;

/// Something to be drawn: an image, or a page of another document.
pub(crate) struct Figure {
    /// By file, in the order of [`Composer::files`].
    pub objects: Vec<ObjectId>,
    /// Width and height in points before it is turned.
    pub size: [f32; 2],
    /// From the object's own coordinates to a rectangle of `size` at the origin.
    pub placed: [f32; 6],
    pub orientation: Orientation,
    /// What it is, for those who cannot see it.
    pub alt: String,
}

/// How a figure is to be turned and mirrored: the eight values of Exif's orientation
/// (Exif 2.32, 4.6.4), 1 being upright.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Orientation(u8);

impl Orientation {
    pub const UPRIGHT: Self = Self(1);

    /// Values that are not defined count as upright.
    pub fn from_exif(value: u16) -> Self {
        Self(
            u8::try_from(value)
                .ok()
                .filter(|v| (1..=8).contains(v))
                .unwrap_or(1),
        )
    }

    /// Clockwise, in quarters of a full turn.
    pub fn turned(quarters: u8) -> Self {
        Self([1, 6, 3, 8][usize::from(quarters % 4)])
    }

    fn swaps_sides(self) -> bool {
        self.0 >= 5
    }

    /// From the unit square to the unit square.
    fn matrix(self) -> [f32; 6] {
        match self.0 {
            2 => [-1.0, 0.0, 0.0, 1.0, 1.0, 0.0],
            3 => [-1.0, 0.0, 0.0, -1.0, 1.0, 1.0],
            4 => [1.0, 0.0, 0.0, -1.0, 0.0, 1.0],
            5 => [0.0, -1.0, -1.0, 0.0, 1.0, 1.0],
            6 => [0.0, -1.0, 1.0, 0.0, 0.0, 1.0],
            7 => [0.0, 1.0, 1.0, 0.0, 0.0, 0.0],
            8 => [0.0, 1.0, -1.0, 0.0, 1.0, 0.0],
            _ => [1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        }
    }
}

impl Figure {
    fn turned_size(&self) -> [f32; 2] {
        let [width, height] = self.size;
        if self.orientation.swaps_sides() {
            [height, width]
        } else {
            [width, height]
        }
    }
}

impl Composer<'_, '_> {
    /// Goes on at the top of a page.
    pub fn fresh_page(&mut self) -> Result<(), ReportError> {
        self.settle(0.0)?;
        self.end_group()?;
        if !self.at_top() {
            self.turn_page()?;
        }
        Ok(())
    }

    /// Shows an image below what is on the page, centred, on a page that has room for it.
    pub fn show_image(&mut self, figure: Figure) -> Result<(), ReportError> {
        self.settle(0.0)?;
        let [width, height] = figure.turned_size();
        let mut scale = fitted(
            [width, height],
            [paper::WIDTH * IMAGE_SHARE, paper::HEIGHT * IMAGE_SHARE],
        );
        let room = SHEET_BOTTOM - self.y - GAP;
        if height * scale > room {
            if room >= height * scale * SHRUNK_MIN {
                scale = room / height;
            } else {
                self.fresh_page()?;
            }
        }
        let height = height * scale;
        let top = self.y + GAP;
        let x = (paper::WIDTH - width * scale) / 2.0;
        self.place(figure, [x, top], [scale; 2])?;
        self.y = top + height + GAP;
        Ok(())
    }

    /// Shows an image of a text at `x`, `pixel` points a pixel unless the text gives its width or
    /// height in points; never wider than the text or higher than a page.
    pub fn show_inline(
        &mut self,
        figure: Figure,
        x: f32,
        given: [Option<f32>; 2],
        pixel: f32,
    ) -> Result<(), ReportError> {
        let [width, height] = figure.turned_size();
        let size = match given {
            [Some(w), Some(h)] => [w, h],
            [Some(w), None] => [w, height * w / width],
            [None, Some(h)] => [width * h / height, h],
            [None, None] => [width * pixel, height * pixel],
        };
        let room = [paper::RIGHT - x, paper::BOTTOM - paper::TOP - 2.0 * GAP];
        let scale = fitted(size, room);
        let [shown_width, shown_height] = size.map(|side| side * scale);
        self.show_marker()?;
        self.settle(shown_height + 2.0 * GAP)?;
        self.end_group()?;
        let top = self.y + GAP;
        self.place(
            figure,
            [x, top],
            [shown_width / width, shown_height / height],
        )?;
        self.y = top + shown_height + GAP;
        Ok(())
    }

    /// Shows a logo at the top left of a cover.
    pub fn show_logo(&mut self, figure: Figure) -> Result<(), ReportError> {
        let scale = fitted(figure.turned_size(), LOGO_ROOM);
        self.place(figure, [paper::LEFT, LOGO_TOP], [scale; 2])
    }

    /// Shows a page of another document on a page of its own, in a thin frame.
    pub fn show_sheet(&mut self, figure: Figure) -> Result<(), ReportError> {
        self.fresh_page()?;
        // Below the title of a section that goes on in a volume that begins here.
        let top = match self.top() > paper::TOP {
            true => self.top(),
            false => SHEET_TOP,
        };
        let room = [paper::WIDTH - 2.0 * SHEET_LEFT, SHEET_BOTTOM - top];
        let [width, height] = figure.turned_size();
        let scale = fitted([width, height], room);
        let [width, height] = [width * scale, height * scale];
        let x = (paper::WIDTH - width) / 2.0;
        let y = top + (room[1] - height) / 2.0;
        self.place(figure, [x, y], [scale; 2])?;
        for [x, y, width, height] in [
            [x - FRAME, y - FRAME, width + 2.0 * FRAME, FRAME],
            [x - FRAME, y + height, width + 2.0 * FRAME, FRAME],
            [x - FRAME, y, FRAME, height],
            [x + width, y, FRAME, height],
        ] {
            self.canvas.rule(x, y, width, height);
        }
        self.y = paper::BOTTOM;
        Ok(())
    }

    /// Draws a figure and says what it is.
    fn place(
        &mut self,
        figure: Figure,
        [x, y]: [f32; 2],
        [across, down]: [f32; 2],
    ) -> Result<(), ReportError> {
        let [width, height] = figure.size;
        let [turned_width, turned_height] = figure.turned_size();
        let to_unit = [1.0 / width, 0.0, 0.0, 1.0 / height, 0.0, 0.0];
        let to_page = [
            turned_width * across,
            0.0,
            0.0,
            turned_height * down,
            x,
            paper::HEIGHT - y - turned_height * down,
        ];
        let steps = [to_unit, figure.orientation.matrix(), to_page];
        let matrix = steps.into_iter().fold(figure.placed, then);
        let [width, height] = [turned_width * across, turned_height * down];
        let bottom = paper::HEIGHT - y - height;
        let area = [x, bottom, x + width, bottom + height];
        let parent = self.section_element()?;
        let element = self.paper.open_figure(parent, &figure.alt, area)?;
        let mark = self.paper.mark(element)?;
        self.canvas.draw(Drawing {
            objects: figure.objects,
            matrix,
            mark,
        });
        self.paper.close(element)
    }
}

/// How much smaller something has to be to fit; never more than 1.
fn fitted(size: [f32; 2], room: [f32; 2]) -> f32 {
    (room[0] / size[0]).min(room[1] / size[1]).min(1.0)
}

/// One transformation after another (ISO 32000-1, 8.3.4).
fn then(first: [f32; 6], second: [f32; 6]) -> [f32; 6] {
    let [a, b, c, d, e, f] = first;
    let [g, h, i, j, k, l] = second;
    [
        a * g + b * i,
        a * h + b * j,
        c * g + d * i,
        c * h + d * j,
        e * g + f * i + k,
        e * h + f * j + l,
    ]
}
