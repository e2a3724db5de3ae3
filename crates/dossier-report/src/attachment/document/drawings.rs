use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use hayro_syntax::object::{Dict, MaybeRef, Name, ObjRef, Object, Stream};
use hayro_syntax::page::Page;
use hayro_syntax::xref::XRef;

use super::super::failure::{Failure, unreadable};
use super::content::{check_packing, unpack};
use crate::limits::{PDF_PAGE_DRAWINGS_MAX, PDF_PAGE_DRAWINGS_NESTING_MAX};

/// How often each name is drawn (`Do`, ISO 32000-1, 8.8) by one content stream.
type Drawn = Rc<HashMap<Vec<u8>, u64>>;

/// Counts what showing a page makes its reader draw: forms that draw each other many times are few
/// bytes, and work without end.
pub(super) struct Drawings<'p> {
    document: &'p XRef,
    /// What each form draws, which is the same on every page.
    seen: HashMap<ObjRef, Drawn>,
    /// Images and other streams whose packing is within the limits.
    unpackable: HashSet<ObjRef>,
}

/// What is known while one page is counted.
struct Walk<'w, 'p> {
    page: &'w Dict<'p>,
    /// Drawings that each form causes, itself included; `None` while it is being counted.
    causes: HashMap<ObjRef, Option<u64>>,
}

impl<'p> Drawings<'p> {
    pub fn new(document: &'p XRef) -> Self {
        Self {
            document,
            seen: HashMap::new(),
            unpackable: HashSet::new(),
        }
    }

    /// Refuses a page whose drawing takes too much work.
    pub fn check(
        &mut self,
        page: &Page<'p>,
        content: &[Stream<'p>],
        appearances: impl Iterator<Item = ObjRef>,
    ) -> Result<(), Failure> {
        let names = page.resources().x_objects.clone();
        let mut walk = Walk {
            page: &names,
            causes: HashMap::new(),
        };
        let mut all = 0_u64;
        for stream in content {
            let drawn = Rc::new(drawn(&unpack(stream)?));
            all = within(all.saturating_add(self.caused(&mut walk, &names, &drawn, 0)?))?;
        }
        for appearance in appearances {
            all = within(all.saturating_add(self.form(&mut walk, appearance, 0)?))?;
        }
        Ok(())
    }

    fn caused(
        &mut self,
        walk: &mut Walk<'_, 'p>,
        names: &Dict<'p>,
        drawn: &Drawn,
        depth: usize,
    ) -> Result<u64, Failure> {
        let mut all = 0_u64;
        for (name, times) in drawn.iter() {
            let Some(MaybeRef::Ref(reference)) = names.get_raw::<Object<'p>>(name.as_slice())
            else {
                continue;
            };
            let each = self.form(walk, reference, depth)?;
            all = within(all.saturating_add(each.saturating_mul(*times)))?;
        }
        Ok(all)
    }

    fn form(
        &mut self,
        walk: &mut Walk<'_, 'p>,
        reference: ObjRef,
        depth: usize,
    ) -> Result<u64, Failure> {
        match walk.causes.get(&reference) {
            Some(Some(known)) => return Ok(*known),
            Some(None) => return Err(unreadable("it has a drawing that draws itself")),
            None => {}
        }
        if depth >= PDF_PAGE_DRAWINGS_NESTING_MAX {
            return Err(too_much());
        }
        let Some(stream) = self.document.get::<Stream<'p>>(reference.into()) else {
            return Ok(0);
        };
        let dict = stream.dict();
        if dict
            .get::<Name<'_>>("Subtype")
            .is_some_and(|kind| &*kind == b"Image")
        {
            if !self.unpackable.contains(&reference) {
                check_packing(&stream)?;
                self.unpackable.insert(reference);
            }
            return Ok(0);
        }
        walk.causes.insert(reference, None);
        let drawn = match self.seen.get(&reference) {
            Some(drawn) => Rc::clone(drawn),
            None => {
                let drawn = Rc::new(drawn(&unpack(&stream)?));
                self.seen.insert(reference, Rc::clone(&drawn));
                drawn
            }
        };
        let names = match dict.get::<Dict<'p>>("Resources") {
            Some(own) => own.get::<Dict<'p>>("XObject").unwrap_or_default(),
            None => walk.page.clone(),
        };
        let all = within(1 + self.caused(walk, &names, &drawn, depth + 1)?)?;
        walk.causes.insert(reference, Some(all));
        Ok(all)
    }
}

fn within(drawings: u64) -> Result<u64, Failure> {
    if drawings > PDF_PAGE_DRAWINGS_MAX {
        return Err(too_much());
    }
    Ok(drawings)
}

fn too_much() -> Failure {
    unreadable("its drawings draw each other too often")
}

/// Counts the names that a content stream draws. What is in texts counts too.
fn drawn(content: &[u8]) -> HashMap<Vec<u8>, u64> {
    let mut counts = HashMap::new();
    let mut name = Vec::new();
    let mut rest = content;
    while let [first, after @ ..] = rest {
        let length = after.iter().position(|byte| ends_word(*byte));
        let (word, next) = after.split_at(length.unwrap_or(after.len()));
        match first {
            b'/' => {
                name = unescaped(word);
                rest = next;
            }
            b'%' => {
                let line = after.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
                rest = &after[line.unwrap_or(after.len())..];
            }
            byte if ends_word(*byte) => rest = after,
            byte => {
                if *byte == b'D' && word == b"o" {
                    *counts.entry(name.clone()).or_insert(0) += 1;
                }
                rest = next;
            }
        }
    }
    counts
}

/// White space and delimiters (ISO 32000-1, 7.2.2).
pub(super) fn ends_word(byte: u8) -> bool {
    matches!(
        byte,
        0 | b'\t' | b'\n' | 12 | b'\r' | b' ' | b'(' | b')' | b'<' | b'>'
    ) || matches!(byte, b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

/// A name without its escapes (ISO 32000-1, 7.3.5).
pub(super) fn unescaped(word: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut name = Vec::with_capacity(word.len());
    let mut rest = word;
    while let [byte, after @ ..] = rest {
        rest = after;
        match after {
            [high, low, after @ ..] if *byte == b'#' => match (digit(high), digit(low)) {
                (Some(high), Some(low)) => {
                    name.push((high << 4 | low) as u8);
                    rest = after;
                }
                _ => name.push(*byte),
            },
            _ => name.push(*byte),
        }
    }
    name
}
