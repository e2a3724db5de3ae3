use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{self, Read};

use crate::{Content, ImageError, InlineImage, InlineImages, ReferenceData, RenderError, Template};

/// What a rendering looks up, each once, in order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Codes of prisons.
    pub prisons: BTreeSet<String>,
    /// User names.
    pub users: BTreeSet<String>,
    /// DPS identifiers of locations.
    pub locations_by_dps_id: BTreeSet<String>,
    /// NOMIS numbers of locations.
    pub locations_by_nomis_id: BTreeSet<String>,
    /// Inline attachments.
    pub images: BTreeSet<InlineImage>,
}

impl std::fmt::Debug for Needs {
    /// User names are personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Needs")
            .field("prisons", &self.prisons.len())
            .field("users", &self.users.len())
            .field("locations_by_dps_id", &self.locations_by_dps_id.len())
            .field("locations_by_nomis_id", &self.locations_by_nomis_id.len())
            .field("images", &self.images.len())
            .finish()
    }
}

impl Needs {
    /// Whether nothing is looked up.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Notes what is looked up and knows nothing.
#[derive(Default)]
struct Recorder(RefCell<Needs>);

pub(crate) fn of(template: &Template, content: &Content) -> Result<Needs, RenderError> {
    let recorder = Recorder::default();
    template.render(content, &recorder, &recorder, &mut io::sink())?;
    Ok(recorder.0.into_inner())
}

impl ReferenceData for Recorder {
    fn prison_name(&self, id: &str) -> Option<Cow<'_, str>> {
        self.0.borrow_mut().prisons.insert(id.to_owned());
        None
    }
    fn user_last_name(&self, user: &str) -> Option<Cow<'_, str>> {
        self.0.borrow_mut().users.insert(user.to_owned());
        None
    }
    fn location_by_dps_id(&self, id: &str) -> Option<Cow<'_, str>> {
        self.0
            .borrow_mut()
            .locations_by_dps_id
            .insert(id.to_owned());
        None
    }
    fn location_by_nomis_id(&self, id: &str) -> Option<Cow<'_, str>> {
        self.0
            .borrow_mut()
            .locations_by_nomis_id
            .insert(id.to_owned());
        None
    }
}

impl InlineImages for Recorder {
    fn open(&self, image: &InlineImage) -> Result<Box<dyn Read + '_>, ImageError> {
        self.0.borrow_mut().images.insert(image.clone());
        Ok(Box::new(io::empty()))
    }
}
