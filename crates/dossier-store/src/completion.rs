//! What a request is completed with, and how several completions are taken together.

use std::collections::HashMap;

use dossier_core::{FinishedDocument, KeptDocument, LeaseToken, RequestId};

/// Most leases that one transaction decides on: what is more is decided in several, so that nobody
/// waits long for it.
pub(crate) const LEASES_AT_ONCE_MAX: usize = 1000;

/// A request that its lease's holder completes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The request.
    pub id: RequestId,
    /// Proves who completes it.
    pub token: LeaseToken,
    /// Its report, or that one's first volume.
    pub document: KeptDocument,
    /// The report's pages, in all volumes.
    pub pages: u32,
    /// What was made besides; no two are of one kind and volume, and none is the report's first
    /// volume.
    pub others: Vec<FinishedDocument>,
}

/// Whether these are the same documents, in whatever order.
pub(crate) fn are_same(said: &[FinishedDocument], mut known: Vec<FinishedDocument>) -> bool {
    let mut said = said.to_vec();
    for documents in [&mut said, &mut known] {
        documents.sort_by_key(|document| (document.kind, document.volume));
    }
    said == known
}

/// The places of what is asked for these requests, in rounds of at most [`LEASES_AT_ONCE_MAX`], no
/// two of one request in one: what is said of a request again is decided when what was said first
/// has been.
pub(crate) fn rounds(asked: impl IntoIterator<Item = RequestId>) -> Vec<Vec<usize>> {
    let mut seen: HashMap<RequestId, usize> = HashMap::new();
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    for (place, id) in asked.into_iter().enumerate() {
        let before = seen.entry(id).or_default();
        if rounds.len() == *before {
            rounds.push(Vec::new());
        }
        rounds[*before].push(place);
        *before += 1;
    }
    rounds
        .iter()
        .flat_map(|round| round.chunks(LEASES_AT_ONCE_MAX).map(<[usize]>::to_vec))
        .collect()
}
