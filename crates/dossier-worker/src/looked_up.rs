//! What a rendering looks up: names behind codes, and inline images.
//!
//! A template says what it needs only while it is rendered, so it is rendered for nothing first, with
//! a [`Recorder`] that notes which codes have no answer so far; then all are looked up in one batch.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use dossier_core::Private;
use dossier_core::reference::ReferenceKind;
use dossier_core::wire::{REFERENCE_LOOKUP_CODES_MAX, ReferenceLookup, ReferenceNames};
use dossier_template::{
    Content, ImageError, InlineImage, InlineImages, ReferenceData, RenderError, Template,
};

use crate::connection::file_fault;

/// A code, and what it is one of.
type Code = (ReferenceKind, String);

/// The names that were found, and the codes that were asked for.
#[derive(Clone, Default)]
pub(crate) struct Names {
    found: ReferenceNames,
    asked: BTreeSet<Code>,
}

impl Names {
    fn get(&self, kind: ReferenceKind, code: &str) -> Option<&str> {
        let name = self.found.of(kind).get(&Private::new(code.to_owned()))?;
        Some(name.reveal())
    }

    /// The codes that were not asked for before, in batches as large as one call takes; from now on
    /// they count as asked for.
    pub fn unasked(&mut self, codes: BTreeSet<Code>) -> Vec<ReferenceLookup> {
        let new: Vec<Code> = codes.difference(&self.asked).cloned().collect();
        self.asked.extend(new.iter().cloned());
        let batches = new.chunks(REFERENCE_LOOKUP_CODES_MAX).map(|codes| {
            let mut batch = ReferenceLookup::default();
            for (kind, code) in codes {
                batch.of_mut(*kind).push(Private::new(code.clone()));
            }
            batch
        });
        batches.collect()
    }

    /// Adds names that were found.
    pub fn add(&mut self, found: ReferenceNames) {
        for kind in ReferenceKind::ALL {
            let names = found.of(kind).clone();
            self.found.of_mut(kind).extend(names);
        }
    }
}

impl ReferenceData for Names {
    fn prison_name(&self, id: &str) -> Option<Cow<'_, str>> {
        self.get(ReferenceKind::Prisons, id).map(Cow::Borrowed)
    }
    fn user_last_name(&self, user: &str) -> Option<Cow<'_, str>> {
        self.get(ReferenceKind::Users, user).map(Cow::Borrowed)
    }
    fn location_by_dps_id(&self, id: &str) -> Option<Cow<'_, str>> {
        self.get(ReferenceKind::LocationsByDpsId, id)
            .map(Cow::Borrowed)
    }
    fn location_by_nomis_id(&self, id: &str) -> Option<Cow<'_, str>> {
        self.get(ReferenceKind::LocationsByNomisId, id)
            .map(Cow::Borrowed)
    }
}

/// What a rendering asked for and did not get.
#[derive(Default)]
pub(crate) struct Missing {
    pub codes: BTreeSet<Code>,
    pub images: BTreeSet<InlineImage>,
}

/// Renders for nothing, to see what is looked up that `names` does not have.
pub(crate) fn missing(
    template: &Template,
    content: &Content,
    names: &Names,
) -> Result<Missing, RenderError> {
    let recorder = Recorder {
        names,
        missing: RefCell::default(),
    };
    template.render(content, &recorder, &recorder, &mut io::sink())?;
    Ok(recorder.missing.into_inner())
}

struct Recorder<'n> {
    names: &'n Names,
    missing: RefCell<Missing>,
}

impl Recorder<'_> {
    fn get(&self, kind: ReferenceKind, code: &str) -> Option<Cow<'_, str>> {
        let name = self.names.get(kind, code);
        if name.is_none() {
            let mut missing = self.missing.borrow_mut();
            missing.codes.insert((kind, code.to_owned()));
        }
        name.map(Cow::Borrowed)
    }
}

impl ReferenceData for Recorder<'_> {
    fn prison_name(&self, id: &str) -> Option<Cow<'_, str>> {
        self.get(ReferenceKind::Prisons, id)
    }
    fn user_last_name(&self, user: &str) -> Option<Cow<'_, str>> {
        self.get(ReferenceKind::Users, user)
    }
    fn location_by_dps_id(&self, id: &str) -> Option<Cow<'_, str>> {
        self.get(ReferenceKind::LocationsByDpsId, id)
    }
    fn location_by_nomis_id(&self, id: &str) -> Option<Cow<'_, str>> {
        self.get(ReferenceKind::LocationsByNomisId, id)
    }
}

impl InlineImages for Recorder<'_> {
    fn open(&self, image: &InlineImage) -> Result<Box<dyn Read + '_>, ImageError> {
        self.missing.borrow_mut().images.insert(image.clone());
        Ok(Box::new(io::empty()))
    }
}

/// The inline images of a section, each in its file.
pub(crate) struct FetchedImages(pub HashMap<InlineImage, PathBuf>);

impl InlineImages for FetchedImages {
    fn open(&self, image: &InlineImage) -> Result<Box<dyn Read + '_>, ImageError> {
        let path = self
            .0
            .get(image)
            .ok_or_else(|| ImageError("it was not fetched".to_owned()))?;
        let file = File::open(path).map_err(|error| ImageError(file_fault(&error)))?;
        Ok(Box::new(file))
    }
}
