//! The names of codes: from the store, and from sources on demand where the store has none.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use dossier_core::reference::{ReferenceCode, ReferenceKind, ReferenceName};
use dossier_store::{KnownReference, Store, StoreError};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use http::StatusCode;
use tokio::time::Instant;

use super::Sources;
use super::fetch::{Caller, SourceError};
use super::source::{Asking, Source, text_in, url_for};

/// What a source answers to a code that it does not know.
const NOT_KNOWN: [StatusCode; 4] = [
    StatusCode::NOT_FOUND,
    StatusCode::GONE,
    // A code that no such thing can have.
    StatusCode::BAD_REQUEST,
    StatusCode::UNPROCESSABLE_ENTITY,
];

/// Looks codes up. No source can make it fail, or last longer than its limit.
pub(super) struct Lookup<'a> {
    pub(super) sources: &'a Arc<Sources>,
    pub(super) store: &'a Arc<dyn Store>,
    pub(super) caller: &'a Caller,
    pub(super) deadline: Instant,
}

/// Names by code.
pub(super) type Names = HashMap<ReferenceCode, ReferenceName>;

/// One code that one source is asked for.
#[derive(Clone, Copy)]
struct Question<'a> {
    source: &'a Source,
    code: &'a ReferenceCode,
}

/// What a source says of a code.
enum Reply {
    Name(ReferenceName),
    /// The location's identifier in DPS.
    DpsId(ReferenceCode),
    Unknown,
}

impl Lookup<'_> {
    /// The names of these codes, as far as they can be known in time.
    ///
    /// Boxed, because the names of locations by their numbers are those of locations.
    pub(super) fn names<'a>(
        &'a self,
        kind: ReferenceKind,
        codes: Vec<ReferenceCode>,
    ) -> BoxFuture<'a, Result<Names, StoreError>> {
        async move {
            if codes.is_empty() {
                return Ok(Names::new());
            }
            let sources = self.sources.names_of(kind);
            let known = self.store.reference_names(kind, &codes, &sources).await?;
            let mut said: HashMap<ReferenceCode, Vec<KnownReference>> = HashMap::new();
            for known in known {
                said.entry(known.code.clone()).or_default().push(known);
            }
            let questions = self.questions(kind, &codes, &said);
            let found = self.ask(questions).await?;
            let mut names: Names = said
                .into_iter()
                .filter_map(|(code, said)| Some((code, said.into_iter().find_map(|k| k.name)?)))
                .collect();
            names.extend(found);
            Ok(names)
        }
        .boxed()
    }

    /// What sources on demand are to be asked: for codes that nobody knows, unless the source has
    /// lately said that it does not either, and for names of its own that are due again.
    fn questions<'q>(
        &'q self,
        kind: ReferenceKind,
        codes: &'q [ReferenceCode],
        said: &HashMap<ReferenceCode, Vec<KnownReference>>,
    ) -> Vec<Question<'q>> {
        let all = self.sources.all.iter();
        let on_demand = all.filter(|source| source.of == kind && source.is_on_demand());
        let unknown_kept = self.sources.rules.unknown_kept;
        let is_open = |source: &Source, code| {
            let said = said.get(code).map_or(&[][..], Vec::as_slice);
            match said.first() {
                Some(first) if first.name.is_some() => {
                    first.source == source.name && first.age >= source.every
                }
                _ => !said
                    .iter()
                    .any(|known| known.source == source.name && known.age < unknown_kept),
            }
        };
        on_demand
            .flat_map(|source| codes.iter().map(move |code| Question { source, code }))
            .filter(|question| is_open(question.source, question.code))
            .collect()
    }

    /// Asks side by side until the time is over, and remembers what was said.
    async fn ask(&self, questions: Vec<Question<'_>>) -> Result<Names, StoreError> {
        let replies = self.replies(&questions).await;
        let dps_ids: HashSet<ReferenceCode> = replies
            .iter()
            .filter_map(|(_, reply)| match reply {
                Reply::DpsId(id) => Some(id.clone()),
                _ => None,
            })
            .collect();
        let dps_names = self
            .names(
                ReferenceKind::LocationsByDpsId,
                dps_ids.into_iter().collect(),
            )
            .await?;
        let mut names = Names::new();
        let mut by_source: HashMap<_, (&Source, Vec<_>)> = HashMap::new();
        for (Question { source, code }, reply) in replies {
            let name = match reply {
                Reply::Name(name) => Some(name),
                Reply::Unknown => None,
                Reply::DpsId(id) => match dps_names.get(&id) {
                    Some(name) => Some(name.clone()),
                    // The list of locations may come any moment: this is not remembered.
                    None => continue,
                },
            };
            if let Some(name) = &name {
                names.entry(code.clone()).or_insert_with(|| name.clone());
            }
            let (_, said) = by_source
                .entry(&source.name)
                .or_insert_with(|| (source, Vec::new()));
            said.push((code.clone(), name));
        }
        for (source, said) in by_source.into_values() {
            let remembered = self
                .store
                .remember_references(&source.name, source.of, &said);
            if let Err(error) = remembered.await {
                tracing::warn!(%error, source = %source.name, "names could not be remembered");
            }
        }
        Ok(names)
    }

    /// Each source has its own calls side by side, so that a slow one holds up no other.
    async fn replies<'q>(&self, questions: &[Question<'q>]) -> Vec<(Question<'q>, Reply)> {
        let began = Instant::now();
        let rules = &self.sources.rules;
        let mut by_source: HashMap<_, Vec<Question<'q>>> = HashMap::new();
        for question in questions {
            let of_source = by_source.entry(&question.source.name).or_default();
            of_source.push(*question);
        }
        let mut calls: Vec<BoxStream<'_, (Question<'q>, Option<Reply>)>> = Vec::new();
        for questions in by_source.into_values() {
            let of_source = stream::iter(questions)
                .map(|question| async move { (question, self.reply(question).await) })
                .buffer_unordered(rules.asked_at_a_time_max.max(1));
            calls.push(of_source.boxed());
        }
        let mut asking = stream::select_all(calls);
        let mut replies = Vec::new();
        loop {
            match tokio::time::timeout_at(self.deadline, asking.next()).await {
                Ok(Some((question, Some(reply)))) => replies.push((question, reply)),
                Ok(Some((_, None))) => {}
                Ok(None) => return replies,
                Err(_elapsed) => break,
            }
        }
        drop(asking);
        // One that was asked late, after others, had no chance; one that gave something is only busy.
        if began.elapsed() >= rules.lookup_max / 2 {
            let mut silent: HashMap<_, &Source> = HashMap::new();
            for Question { source, .. } in questions {
                silent.insert(&source.name, source);
            }
            for (Question { source, .. }, _) in &replies {
                silent.remove(&source.name);
            }
            for source in silent.into_values() {
                self.failed(source, &SourceError::TooSlow).await;
            }
        }
        replies
    }

    async fn reply(&self, question: Question<'_>) -> Option<Reply> {
        let Question { source, code } = question;
        if self.sources.is_resting(&source.name) {
            return None;
        }
        match self.asked(source, code).await {
            Ok(reply) => Some(reply),
            Err(SourceError::Status(status)) if NOT_KNOWN.contains(&status) => Some(Reply::Unknown),
            Err(error) => {
                self.failed(source, &error).await;
                None
            }
        }
    }

    async fn asked(&self, source: &Source, code: &ReferenceCode) -> Result<Reply, SourceError> {
        let (template, pointer) = match &source.asking {
            Asking::Each { template, name } => (template, name.as_str()),
            Asking::EachByDpsId { template } => (template, "/dpsLocationId"),
            Asking::List { .. } => return Ok(Reply::Unknown),
        };
        let Some(url) = url_for(template, code) else {
            return Ok(Reply::Unknown);
        };
        let body = self.caller.get(source, url, source.bytes_max).await?;
        let Some(text) = text_in(&body, pointer)? else {
            return Ok(Reply::Unknown);
        };
        let reply = if matches!(source.asking, Asking::EachByDpsId { .. }) {
            ReferenceCode::parse(&text).map(Reply::DpsId)
        } else {
            ReferenceName::parse(&text).map(Reply::Name)
        };
        Ok(reply.unwrap_or(Reply::Unknown))
    }

    /// Leaves a source alone for a while. Said once for all that met the same failure.
    async fn failed(&self, source: &Source, error: &SourceError) {
        if !self.sources.rest(&source.name) {
            return;
        }
        tracing::warn!(%error, source = %source.name, "reference data could not be looked up");
        let text = error.to_string();
        let noted = self
            .store
            .note_reference_failure(&source.name, source.of, &text);
        if let Err(error) = noted.await {
            tracing::warn!(%error, source = %source.name, "a failure could not be noted");
        }
    }
}
