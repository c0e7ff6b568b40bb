//! Where a server is, and what it is told first.

use std::fmt;

use super::tls::Tls;

/// The port of a server unless the address has one.
const PORT: u16 = 11211;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A host name or an IP address, and a port.
    Tcp(String),
    /// The path of a Unix socket.
    Unix(String),
    /// There is no such connection, and why: each operation fails.
    Misconfigured(&'static str),
}

/// How an address begins that asks for encrypted connections.
const ENCRYPTED: &str = "memcacheds://";

/// A user's name and password. They are shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

impl Address {
    /// Reads an address, and the credentials before an `@`. The last part of the result is there if the address asks for
    /// encrypted connections.
    pub(super) fn parse(text: &str) -> (Self, Option<Credentials>, Option<Tls>) {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return (Self::Unix(path.to_owned()), None, None);
        }
        if let Some(rest) = text.strip_prefix(ENCRYPTED) {
            let (address, credentials, _) = Self::parse(&format!("tcp://{rest}"));
            return match Tls::by_scheme() {
                Ok(tls) => (address, credentials, Some(tls)),
                Err(why) => (Self::Misconfigured(why), None, None),
            };
        }
        let text = ["memcached://", "memcache://", "tcp://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .map_or(text, |rest| rest.trim_end_matches('/'));
        let (credentials, host) = match text.rsplit_once('@') {
            Some((credentials, host)) => {
                let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
                (Some(Credentials { user: user.to_owned(), password: password.to_owned() }), host)
            }
            None => (None, text),
        };
        let has_port = host.rsplit_once(':').is_some_and(|(host, port)| {
            port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']'))
        });
        let address = if has_port { host.to_owned() } else { format!("{host}:{PORT}") };
        (Self::Tcp(address), credentials, None)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "memcached at {address}"),
            Self::Unix(path) => write!(f, "memcached at unix:{path}"),
            Self::Misconfigured(_) => f.write_str("memcached"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_and_may_have_credentials() {
        let tcp = |text: &str| match Address::parse(text) {
            (Address::Tcp(address), None, None) => address,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(tcp("cache.example"), "cache.example:11211");
        assert_eq!(tcp("memcached://cache.example:1/"), "cache.example:1");
        assert_eq!(tcp("[::1]:7"), "[::1]:7");
        for text in ["unix:/run/memcached.sock", "unix:///run/memcached.sock"] {
            assert_eq!(Address::parse(text), (Address::Unix("/run/memcached.sock".into()), None, None));
        }
        let (address, credentials, _) = Address::parse("memcache://user:p@ss:word@cache.example");
        assert_eq!(address, Address::Tcp("cache.example:11211".into()));
        let credentials = credentials.unwrap();
        assert_eq!((credentials.user.as_str(), credentials.password.as_str()), ("user", "p@ss:word"));
        assert!(!format!("{credentials:?}").contains("word"));
    }

    #[test]
    fn an_address_may_ask_for_encryption() {
        let (address, credentials, tls) = Address::parse("memcacheds://user:word@cache.example/");
        if cfg!(feature = "memcached-tls") {
            assert_eq!(address, Address::Tcp("cache.example:11211".into()));
            assert!(tls.is_some() && credentials.is_some());
        } else {
            let Address::Misconfigured(why) = address else { panic!("{address:?}") };
            assert!(why.contains("`memcached-tls`"));
            assert!(!format!("{address} {address:?} {credentials:?}").contains("word"));
        }
    }
}
