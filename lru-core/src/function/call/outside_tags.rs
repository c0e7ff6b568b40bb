//! The tags of a function's results in its backend: which nonces a lookup needs, whether what it found is valid, and what a
//! computed result notes.
//!
//! A result notes the nonces that its backend had for its tags when the computation began: those that the call's lookup read.
//! Tags that are known only after the body has run are not among them. For these the lookup reads the nonce of the tag
//! [`TagId::ANY`], which each invalidation removes before it removes that of the tag; the nonces of the tags are read after
//! the body, and that of `ANY` once more after them. If it is still there, no invalidation of the tags has ended since the
//! computation began; if not, the result is not stored in the backend.
//!
//! What was read notes its own nonces, which are passed on. They are compared with those of now before a result is stored, so
//! that a copy in the process which another process has invalidated is not passed off as new.

use core::time::Duration;
use std::vec::Vec;

use crate::backend::tag_header::{MOST, with_header, without_header};
use crate::backend::{AsyncBackend, BackendError, Lookup, Stored, TagKey, TagNonces, TaggedLookup};
use crate::tags::outside::{EntryTags, Noted};
use crate::tags::tag::TagId;
use crate::tags::validity::Marked;

/// How long nonces live at least: results that are older are misses.
const LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How long nonces live of results that do not expire.
const LONG_LIFE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The tags of the entry of a call in a backend.
pub(super) struct OutsideTags {
    pub(super) entry: EntryTags,
    /// The tags of the result that are known before it is computed.
    known: Vec<TagId>,
    life: Duration,
}

/// What a lookup found, and the nonces that it read.
pub(super) struct Looked {
    /// The entry, without its header, if it is valid.
    pub(super) lookup: Lookup,
    /// The nonces that hold as of the lookup.
    pub(super) nonces: TagNonces,
    /// The tags that the entry notes.
    pub(super) noted: Vec<Noted>,
    /// The entry, without its header, if a tag of it was invalidated.
    pub(super) outdated: Option<Stored>,
}

impl Looked {
    /// What a lookup of a function without tags found.
    pub(super) fn untagged(lookup: Lookup) -> Self {
        Self { lookup, nonces: TagNonces::default(), noted: Vec::new(), outdated: None }
    }
}

/// What is to be done with a computed result.
pub(super) enum Noting {
    /// It is stored with these tags.
    Stored(Vec<Noted>),
    /// It is kept in the process only: not all that it depends on can be invalidated in the backend, or is known.
    Apart,
    /// It was computed from a result that was invalidated by another process.
    Outdated,
}

impl OutsideTags {
    /// Creates the tags of an entry. `known` are those of the result that are known before it is computed, and `ttl` is how
    /// long results are kept at most.
    pub(super) fn new(namespace: &str, key: &[u8], known: &[TagId], ttl: Option<Duration>) -> Self {
        let function = TagId::of_namespace(namespace);
        let entry = EntryTags { function, own: TagId::of_key(function, key) };
        let life = ttl.map_or(LONG_LIFE, |ttl| ttl.saturating_mul(2).max(LIFE));
        Self { entry, known: entry.with(known), life }
    }

    /// Looks up an entry, whose result is found only if its tags were not invalidated.
    pub(super) async fn look<B: AsyncBackend>(
        &self,
        backend: &B,
        (namespace, key): (&str, &[u8]),
        options: crate::backend::LookupOptions,
    ) -> Result<Looked, BackendError> {
        let asked: Vec<_> = self.known.iter().copied().chain([TagId::ANY]).map(TagKey::from).collect();
        let looked = backend.get_or_lease_tagged(namespace, key, options, &asked, self.life).await?;
        let TaggedLookup { mut lookup, nonces } = looked;
        let noted = match &mut lookup.found {
            Some(found) if found.value != crate::backend::lease::FAILED => {
                opened(&found.value, (namespace, key), &nonces).map(|(noted, envelope)| {
                    found.value = envelope;
                    noted
                })
            }
            _ => return Ok(Looked { lookup, nonces, noted: Vec::new(), outdated: None }),
        };
        let is_readable = noted.is_some();
        if let Some(Ok(noted)) = noted {
            return Ok(Looked { lookup, nonces, noted, outdated: None });
        }
        // As what cannot be read: there is a value, which this call does not use.
        let outdated = lookup.found.take().filter(|_| is_readable);
        lookup.is_unreadable = true;
        Ok(Looked { lookup, nonces, noted: Vec::new(), outdated })
    }

    /// Returns what a value notes that is to be put, and has these tags. The nonces are as of now.
    pub(super) async fn of_put<B: AsyncBackend>(
        &self,
        backend: &B,
        tags: &[TagId],
    ) -> Result<Noting, BackendError> {
        let all = self.entry.with(tags);
        let nonces = self.read(backend, &all).await?;
        Ok(noted_of(&all, &nonces).map_or(Noting::Apart, stored))
    }

    /// Returns what a computed result notes. `nonces` held when its computation began.
    pub(super) async fn of_computed<B: AsyncBackend>(
        &self,
        backend: &B,
        marked: &Marked,
        nonces: &TagNonces,
    ) -> Result<Noting, BackendError> {
        let Some(read) = marked.node.read_outside() else { return Ok(Noting::Apart) };
        let (mut noted, mut later) = (Vec::new(), Vec::new());
        for &tag in &marked.tags {
            match nonces.get(tag.into()) {
                Some(nonce) => add(&mut noted, Noted { tag, nonce }),
                None => later.push(tag),
            }
        }
        let read: Vec<_> = read.take(MOST * MOST).collect();
        for &read in &read {
            add(&mut noted, read);
        }
        if noted.len() + later.len() > MOST {
            return Ok(Noting::Apart);
        }
        let mut asked: Vec<_> = read.iter().map(|noted| noted.tag).chain(later.iter().copied()).collect();
        asked.sort_unstable();
        asked.dedup();
        if !asked.is_empty() {
            let now = self.read(backend, &asked).await?;
            if read.iter().any(|read| now.get(read.tag.into()) != Some(read.nonce)) {
                return Ok(Noting::Outdated);
            }
            let Some(later) = noted_of(&later, &now) else { return Ok(Noting::Apart) };
            if !later.is_empty() {
                let Some(any) = nonces.get(TagId::ANY.into()) else { return Ok(Noting::Apart) };
                // After those of the tags: an invalidation removes it first.
                let now = backend.tag_nonces(&[TagId::ANY.into()], None).await?;
                if now.get(TagId::ANY.into()) != Some(any) {
                    return Ok(Noting::Apart);
                }
            }
            for one in later {
                add(&mut noted, one);
            }
        }
        // A tag with two nonces was invalidated between.
        let is_unique =
            noted.iter().enumerate().all(|(at, one)| noted[..at].iter().all(|other| other.tag != one.tag));
        Ok(if is_unique { stored(noted) } else { Noting::Outdated })
    }

    async fn read<B: AsyncBackend>(&self, backend: &B, tags: &[TagId]) -> Result<TagNonces, BackendError> {
        let tags: Vec<_> = tags.iter().map(|&tag| TagKey::from(tag)).collect();
        backend.tag_nonces(&tags, Some(self.life)).await
    }
}

/// The tags that a value notes; `Err` if one of them was invalidated.
type Valid = Result<Vec<Noted>, Outdated>;

/// A tag of a value was invalidated.
struct Outdated;

/// Returns the tags of a stored value and its envelope; `None` if it cannot be read. It is valid if the nonces that it notes are
/// those of the backend.
fn opened(value: &[u8], place: (&str, &[u8]), nonces: &TagNonces) -> Option<(Valid, Vec<u8>)> {
    let (noted, envelope) = without_header(value, place)?;
    let is_valid = noted.iter().all(|noted| nonces.get(noted.tag.into()) == Some(noted.nonce));
    Some((if is_valid { Ok(noted) } else { Err(Outdated) }, envelope.to_vec()))
}

/// Returns the tags of a stored value and its envelope, if it is valid.
pub(super) fn valid(value: &[u8], place: (&str, &[u8]), nonces: &TagNonces) -> Option<(Vec<Noted>, Vec<u8>)> {
    let (noted, envelope) = opened(value, place, nonces)?;
    Some((noted.ok()?, envelope))
}

/// Returns a value with its header.
pub(super) fn sealed(noted: &[Noted], envelope: &[u8], place: (&str, &[u8])) -> Option<Vec<u8>> {
    with_header(noted, envelope, place)
}

fn stored(noted: Vec<Noted>) -> Noting {
    if noted.len() <= MOST { Noting::Stored(noted) } else { Noting::Apart }
}

fn add(all: &mut Vec<Noted>, noted: Noted) {
    if !all.contains(&noted) {
        all.push(noted);
    }
}

/// Returns the tags with their nonces; `None` if one has none.
fn noted_of(tags: &[TagId], nonces: &TagNonces) -> Option<Vec<Noted>> {
    tags.iter().map(|&tag| Some(Noted { tag, nonce: nonces.get(tag.into())? })).collect()
}
