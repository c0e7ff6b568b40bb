//! Options of a client at the end of a URL.

#[cfg(any(feature = "memcached", feature = "redis"))]
use lru_core::backend::BackendError;

#[cfg(any(feature = "memcached", feature = "redis"))]
use super::misconfigured;
#[cfg(any(feature = "memcached", feature = "redis"))]
use crate::key_prefix::KeyPrefix;

/// The options of a client that a URL gives: names and values.
#[cfg(any(feature = "memcached", feature = "redis"))]
pub(super) struct UrlOptions<'u>(Vec<(&'u str, &'u str)>);

#[cfg(any(feature = "memcached", feature = "redis"))]
impl<'u> UrlOptions<'u> {
    /// Splits a URL into one without the options of these names, and these options.
    pub(super) fn taken_from(url: &'u str, names: &[&str]) -> (String, Self) {
        // What follows a `#` is no part of the parameters, and a password may contain a `?`.
        let host = url.rfind('@').map_or(0, |at| at + 1);
        let Some(question) = url[host..].find('?').map(|at| host + at) else {
            return (url.to_owned(), Self(Vec::new()));
        };
        let (mut options, mut others) = (Vec::new(), Vec::new());
        for parameter in url[question + 1..].split('&') {
            match parameter.split_once('=') {
                Some((name, value)) if names.contains(&name) => options.push((name, value)),
                _ => others.push(parameter),
            }
        }
        let mut rest = url[..question].to_owned();
        if !others.is_empty() {
            rest = rest + "?" + &others.join("&");
        }
        (rest, Self(options))
    }

    fn value(&self, name: &str) -> Option<&'u str> {
        self.0.iter().rev().find_map(|(other, value)| (*other == name).then_some(*value))
    }

    /// Returns the prefix of the client's keys.
    pub(super) fn key_prefix(&self) -> Result<Option<String>, BackendError> {
        let Some(value) = self.value("key_prefix") else { return Ok(None) };
        let prefix = decoded(value).ok_or_else(|| misconfigured("`key_prefix` is no text in UTF-8"))?;
        KeyPrefix::new(prefix.clone()).check(&"the URL of a backend")?;
        Ok(Some(prefix))
    }

    /// Returns whether changes are tracked.
    #[cfg(feature = "redis")]
    pub(super) fn tracking(&self) -> Result<Option<bool>, BackendError> {
        match self.value("tracking") {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(misconfigured("`tracking` is `true` or `false`")),
        }
    }
}

/// Replaces each `%` and two hexadecimal digits by a byte; `None` if the bytes are no text.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let escaped = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(&part.as_bytes()[2..]);
            }
            None => bytes.extend([b"%", part.as_bytes()].concat()),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(all(test, feature = "redis"))]
mod tests {
    use super::*;

    #[test]
    fn the_options_of_the_client_leave_the_url() {
        let taken = |url| {
            let (rest, options) = UrlOptions::taken_from(url, &["key_prefix", "tracking"]);
            (rest, options.key_prefix().unwrap(), options.tracking().unwrap())
        };
        let prefix = Some("my:".to_owned());
        assert_eq!(taken("redis://host/2"), ("redis://host/2".to_owned(), None, None));
        assert_eq!(
            taken("redis://host/?key_prefix=my%3A&tracking=false"),
            ("redis://host/".to_owned(), prefix.clone(), Some(false))
        );
        assert_eq!(
            taken("redis://host?protocol=resp3&tracking=true&key_prefix=my:&db=1"),
            ("redis://host?protocol=resp3&db=1".to_owned(), prefix, Some(true))
        );
        let with_password = "redis://:a?key_prefix=b@host";
        assert_eq!(taken(with_password), (with_password.to_owned(), None, None));
    }
}
