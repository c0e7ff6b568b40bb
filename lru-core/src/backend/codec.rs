//! Serialization of keys and results.
//!
//! **Keys** are only compared, never decoded. In the format `compact` they have a [self-describing encoding](encoder),
//! because a compact one may be the same for two arguments that serde describes differently.
//!
//! **Results** are serialized as postcard or JSON, in an [envelope]. Postcard has no names: what serde attributes leave out
//! on one side shifts what follows, so that a result may be read back as another one. JSON cannot tell the variants
//! of some enums. So each result is decoded when it is stored, and a digest of what it serializes is compared
//! with that of the original; a result that differs is not stored, and is an error. This is done for every value,
//! and not once per shape, because an attribute such as `skip_serializing_if` decides by the value, and an untagged
//! enum by its range. For a struct of eight fields it adds 0.5 µs to a store, for a thousand of them 0.4 ms.
//! Types that are made of the standard library's types only are not checked: they are read back as they are.
//! A lookup checks nothing.
//!
//! A field that is skipped on both sides cannot be seen: neither in an argument, nor in a result.

use core::any::type_name;
use core::fmt::Display;
use core::marker::PhantomData;
use core::time::Duration;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::encoder;
use crate::backend::encoder::output::Refused;
use crate::backend::envelope::{self, Envelope, Header, Place};
use crate::backend::error::{BackendError, ErrorKind};
use crate::backend::shape::{NOT_STATED, Shape, ShapeCache};
use crate::backend::stored::Stored;
use crate::time::SystemTime;

/// The serialization format of arguments and results.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Format {
    /// Compact binary: postcard.
    Compact,
    /// JSON, readable for people and other programs.
    #[cfg(feature = "json")]
    Json,
}

impl Format {
    fn tag(self) -> u8 {
        match self {
            Self::Compact => 1,
            #[cfg(feature = "json")]
            Self::Json => 2,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Compact => "compact",
            #[cfg(feature = "json")]
            Self::Json => "json",
        }
    }

    /// Returns whether types serialize themselves for people.
    pub(crate) fn is_human_readable(self) -> bool {
        !matches!(self, Self::Compact)
    }

    /// Returns whether a result may be of any shape that can be decoded. JSON has names, so an entry of another
    /// program need not state the fingerprint of a Rust type.
    fn is_shape_optional(self) -> bool {
        !matches!(self, Self::Compact)
    }

    /// Appends a value to `bytes`.
    fn append<T: Serialize + ?Sized>(self, bytes: Vec<u8>, value: &T) -> Result<Vec<u8>, Refused> {
        match self {
            Self::Compact => postcard::to_extend(value, bytes).map_err(refused),
            #[cfg(feature = "json")]
            Self::Json => {
                let mut bytes = bytes;
                super::json::check(value)?;
                serde_json::to_writer(&mut bytes, value).map_err(refused)?;
                Ok(bytes)
            }
        }
    }

    /// Reads a value that takes up all of `bytes`.
    fn read<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, Refused> {
        match self {
            Self::Compact => match postcard::take_from_bytes(bytes).map_err(refused)? {
                (value, []) => Ok(value),
                (_, rest) => Err(Refused(format!("{} bytes are left over", rest.len()))),
            },
            #[cfg(feature = "json")]
            Self::Json => serde_json::from_slice(bytes).map_err(refused),
        }
    }
}

fn refused(reason: impl Display) -> Refused {
    Refused(reason.to_string())
}

/// Serializes the key of a call.
///
/// # Errors
///
/// If the arguments refuse to be serialized.
pub(crate) fn key<T: Serialize + ?Sized>(arguments: &T, format: Format) -> Result<Vec<u8>, BackendError> {
    let key = match format {
        Format::Compact => encoder::encoded(arguments),
        #[cfg(feature = "json")]
        Format::Json => format.append(Vec::new(), arguments),
    };
    key.map_err(|reason| serialization(format!("the arguments cannot be serialized: {reason}")))
}

fn serialization(what: String) -> BackendError {
    BackendError::with_kind(ErrorKind::Serialization, what)
}

fn unreadable(what: impl Into<String>) -> BackendError {
    BackendError::with_kind(ErrorKind::Protocol, what.into())
}

/// The remaining times of a fresh result; `None` if it does not expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remaining {
    /// For how long it is fresh.
    pub(crate) fresh: Option<Duration>,
    /// Its time to live, with the stale window.
    pub(crate) ttl: Option<Duration>,
}

impl Remaining {
    /// The times of a result that does not expire.
    pub(crate) const NONE: Self = Self { fresh: None, ttl: None };
}

/// What the bytes of an entry contain.
#[derive(Debug)]
pub(crate) enum Opened<T> {
    /// A fresh result, and its times.
    Found(T, Remaining),
    /// A result in its stale window: for how long it has been stale, and its remaining time to live.
    Stale(T, Duration, Duration),
    /// No result of this function: an expired one, or one of another shape, version or program.
    Missing,
    /// A damaged result, or one that cannot be decoded. It counts as missing too.
    Damaged(BackendError),
}

impl<T> Opened<T> {
    /// Converts a result that was found.
    pub(crate) fn map<R>(self, convert: impl FnOnce(T) -> R) -> Opened<R> {
        match self {
            Self::Found(value, ttl) => Opened::Found(convert(value), ttl),
            Self::Stale(value, past, left) => Opened::Stale(convert(value), past, left),
            Self::Missing => Opened::Missing,
            Self::Damaged(error) => Opened::Damaged(error),
        }
    }
}

/// An entry: where it is, and the shape of its results, which are of type `T`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a, T> {
    format: Format,
    place: Place<'a>,
    shape: Shape,
    result: PhantomData<fn() -> T>,
}

impl<'a, T: DeserializeOwned> Entry<'a, T> {
    /// Returns the entry for `key` of a function whose results are of type `T`.
    pub(crate) fn new(format: Format, shapes: &ShapeCache, namespace: &'a str, key: &'a [u8]) -> Self {
        let shape = shapes.of::<T>(format.is_human_readable());
        Self { format, place: Place { namespace, key }, shape, result: PhantomData }
    }

    /// Puts a result in an envelope that expires `ttl` after `now`. At the end of this time is its stale window.
    ///
    /// # Errors
    ///
    /// If the result cannot be serialized, or would be read back as another one.
    pub(crate) fn seal(
        &self,
        value: &T,
        (ttl, window): (Option<Duration>, Option<Duration>),
        now: SystemTime,
    ) -> Result<Vec<u8>, BackendError>
    where
        T: Serialize,
    {
        let header = Header {
            format: self.format.tag(),
            fingerprint: self.shape.fingerprint,
            deadline: envelope::deadline(ttl, now),
            window: envelope::window(window),
        };
        let bytes = self.format.append(header.begin(), value);
        let bytes = bytes.and_then(|bytes| {
            if !self.shape.is_standard {
                let encoded = bytes.get(header.length()..).unwrap_or_default();
                check(value, encoded, self.format)?;
            }
            Ok(bytes)
        });
        match bytes {
            Ok(bytes) => Ok(envelope::seal(bytes, self.place)),
            Err(reason) => {
                let (name, format) = (type_name::<T>(), self.format.name());
                Err(serialization(format!(
                    "a result of type `{name}` cannot be stored as `{format}`: {reason}"
                )))
            }
        }
    }

    /// Takes the result out of an envelope.
    ///
    /// The remaining time to live that the backend reports counts; if it reports none, and does not say that the entry is
    /// unexpired, the deadline in the envelope counts, by the clock of this machine.
    pub(crate) fn open(&self, stored: &Stored, now: impl FnOnce() -> SystemTime) -> Opened<T> {
        let (header, value) = match envelope::open(&stored.value, self.place) {
            Envelope::Valid(header, value) => (header, value),
            Envelope::Foreign => return Opened::Missing,
            Envelope::Damaged => {
                return Opened::Damaged(unreadable("the entry is damaged: its checksum does not match"));
            }
        };
        let Header { format, fingerprint, deadline, window } = header;
        let is_unstated = fingerprint == NOT_STATED && self.format.is_shape_optional();
        if format != self.format.tag() || !(fingerprint == self.shape.fingerprint || is_unstated) {
            return Opened::Missing;
        }
        let ttl = match stored.ttl {
            // When a stale window begins is not known without the time left.
            None if deadline > 0 && !(stored.is_unexpired && window == 0) => {
                match envelope::remaining(deadline, now()) {
                    None => return Opened::Missing,
                    remaining => remaining,
                }
            }
            ttl => ttl,
        };
        match self.format.read(value) {
            Ok(value) => {
                let window = Duration::from_millis(window);
                match ttl {
                    Some(ttl) if ttl <= window && !window.is_zero() => {
                        Opened::Stale(value, window.saturating_sub(ttl), ttl)
                    }
                    ttl => {
                        let fresh = ttl.map(|ttl| ttl.saturating_sub(window));
                        Opened::Found(value, Remaining { fresh, ttl })
                    }
                }
            }
            Err(reason) => Opened::Damaged(unreadable(format!("the entry cannot be decoded: {reason}"))),
        }
    }
}

/// Checks that a result is read back as itself.
fn check<T: Serialize + DeserializeOwned>(value: &T, encoded: &[u8], format: Format) -> Result<(), Refused> {
    let advice = "check its serde attributes, such as `skip_serializing_if`, `untagged`, `tag` and `flatten`";
    let read: T = format.read(encoded).map_err(|reason| {
        Refused(format!("it could not be read back ({reason}); {advice}, or use another format"))
    })?;
    let digest = |value| encoder::digest(value, format.is_human_readable());
    if digest(value)? == digest(&read)? {
        Ok(())
    } else {
        Err(Refused(format!("it would be read back as another value; {advice}, or use another format")))
    }
}

#[cfg(test)]
mod tests;
