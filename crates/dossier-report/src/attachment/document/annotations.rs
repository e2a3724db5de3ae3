use hayro_syntax::object::{Array, Dict, MaybeRef, Name, ObjRef, Object, Rect, Stream, String};
use hayro_syntax::page::Page;

use crate::limits::{PDF_LINK_BYTES_MAX, PDF_PAGE_ANNOTATIONS_MAX};

/// What an annotation looks like: a drawing of its own, and where it lies on the page.
pub(super) struct Appearance {
    pub object: ObjRef,
    pub matrix: [f32; 6],
}

/// What a page's annotations are to someone who looks at the page.
#[derive(Default)]
pub(super) struct Annotations {
    pub appearances: Vec<Appearance>,
    /// Whether there are texts that cannot be seen on the page.
    pub unseen: bool,
    /// Where its links lead, each once.
    pub links: Vec<std::string::String>,
}

/// What the addresses begin with that links of a report may name.
const SCHEMES: [&str; 3] = ["http://", "https://", "mailto:"];

/// The flags for annotations that are not seen (ISO 32000-1, 12.5.3).
const HIDDEN: i32 = 1 << 1;
const NO_VIEW: i32 = 1 << 5;

/// Reads what filled-in fields, stamps and marks look like; what they do is left behind.
pub(super) fn annotations(page: &Page<'_>) -> Annotations {
    let mut found = Annotations::default();
    let Some(all) = page.raw().get::<Array<'_>>("Annots") else {
        return found;
    };
    for (nth, annotation) in all.iter::<Dict<'_>>().enumerate() {
        if nth >= PDF_PAGE_ANNOTATIONS_MAX {
            found.unseen = true;
            break;
        }
        let kind = annotation.get::<Name<'_>>("Subtype");
        let kind = kind.as_deref().unwrap_or_default();
        let flags = annotation.get::<i32>("F").unwrap_or(0);
        if kind == b"Link"
            && let Some(link) = address(&annotation)
            && !found.links.contains(&link)
        {
            found.links.push(link);
        }
        if matches!(kind, b"Link" | b"Popup") || flags & (HIDDEN | NO_VIEW) != 0 {
            continue;
        }
        let holds = |key: &str| {
            annotation
                .get::<String<'_>>(key)
                .is_some_and(|text| !text.as_bytes().is_empty())
        };
        let appearance = appearance(page, &annotation);
        found.unseen |= match kind {
            b"Widget" => appearance.is_none() && holds("V"),
            b"FreeText" => appearance.is_none(),
            _ => holds("Contents") || kind == b"FileAttachment",
        };
        found.appearances.extend(appearance);
    }
    found
}

/// Where a link leads, if that is a place on the web or a mailbox (12.6.4.7).
fn address(annotation: &Dict<'_>) -> Option<std::string::String> {
    let action = annotation.get::<Dict<'_>>("A")?;
    action
        .get::<Name<'_>>("S")
        .filter(|kind| &**kind == b"URI")?;
    let address = action.get::<String<'_>>("URI")?;
    let address = std::string::String::from_utf8_lossy(address.as_bytes()).into_owned();
    let known = SCHEMES.iter().any(|scheme| {
        let start = address.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    (known && address.len() <= PDF_LINK_BYTES_MAX).then_some(address)
}

fn appearance(page: &Page<'_>, annotation: &Dict<'_>) -> Option<Appearance> {
    let appearances = annotation.get::<Dict<'_>>("AP")?;
    let object = match appearances.get_raw::<Object<'_>>("N")? {
        MaybeRef::Ref(object) => match page.xref().get::<Object<'_>>(object.into())? {
            Object::Stream(_) => object,
            Object::Dict(states) => state(annotation, &states)?,
            _ => return None,
        },
        MaybeRef::NotRef(Object::Dict(states)) => state(annotation, &states)?,
        MaybeRef::NotRef(_) => return None,
    };
    let form = page.xref().get::<Stream<'_>>(object.into())?;
    let place = annotation.get::<Rect>("Rect")?;
    let bounds = form.dict().get::<Rect>("BBox")?;
    let matrix = form.dict().get::<[f32; 6]>("Matrix");
    let matrix = matrix.unwrap_or([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    Some(Appearance {
        object,
        matrix: onto(place, bounds, matrix)?,
    })
}

/// The appearance that is on: a box that is ticked has another than one that is not.
fn state(annotation: &Dict<'_>, states: &Dict<'_>) -> Option<ObjRef> {
    let on = annotation.get::<Name<'_>>("AS")?;
    states.get_ref(&*on)
}

/// From a form's bounds, turned by its own matrix, onto a place (12.5.5, algorithm 8.1).
fn onto(place: Rect, bounds: Rect, [a, b, c, d, e, f]: [f32; 6]) -> Option<[f32; 6]> {
    let corners = [
        (bounds.x0, bounds.y0),
        (bounds.x1, bounds.y0),
        (bounds.x0, bounds.y1),
        (bounds.x1, bounds.y1),
    ];
    let corners = corners.map(|(x, y)| {
        let (x, y) = (x as f32, y as f32);
        (a * x + c * y + e, b * x + d * y + f)
    });
    let least = |pick: fn(&(f32, f32)) -> f32| corners.iter().map(pick).fold(f32::MAX, f32::min);
    let most = |pick: fn(&(f32, f32)) -> f32| corners.iter().map(pick).fold(f32::MIN, f32::max);
    let (left, bottom) = (least(|c| c.0), least(|c| c.1));
    let (width, height) = (most(|c| c.0) - left, most(|c| c.1) - bottom);
    let across = place.width() as f32 / width;
    let up = place.height() as f32 / height;
    let usable = across.is_finite() && up.is_finite() && across != 0.0 && up != 0.0;
    usable.then(|| {
        let (x, y) = (place.x0 as f32, place.y0 as f32);
        [across, 0.0, 0.0, up, x - left * across, y - bottom * up]
    })
}
