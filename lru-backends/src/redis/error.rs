//! Errors of the `redis` crate: their kind, and what they mean for the connection.

use ::redis::{FromRedisValue, RedisError, ServerErrorKind, Value};
use lru_core::backend::ErrorKind;

use crate::error::ClientError;

/// Converts an answer; an error if it has another type.
pub(super) fn of_type<T: FromRedisValue>(answer: Value) -> Result<T, ClientError> {
    T::from_redis_value(answer).map_err(|error| ClientError::answered(ErrorKind::Protocol, error))
}

/// Returns the error of each operation whose client could not be set up.
pub(super) fn misconfigured(why: &'static str) -> RedisError {
    (::redis::ErrorKind::InvalidClientConfig, why).into()
}

/// Returns whether only the command failed, and the connection can still be used.
///
/// Not so for a server that is read-only: it may be a replica now, and another server must be found.
pub(super) fn is_usable_after(error: &RedisError) -> bool {
    use ::redis::ErrorKind as Redis;
    match error.kind() {
        Redis::Extension | Redis::UnexpectedReturnType => true,
        Redis::Server(kind) => {
            use ServerErrorKind::{NoPerm, NoScript, ResponseError};
            matches!(kind, NoPerm | NoScript | ResponseError)
        }
        _ => false,
    }
}

/// Returns whether the server is read-only: it is a replica.
pub(super) fn is_replica(error: &RedisError) -> bool {
    error.kind() == ::redis::ErrorKind::Server(ServerErrorKind::ReadOnly)
}

/// The messages of the `redis` crate contain no credentials.
impl From<RedisError> for ClientError {
    fn from(error: RedisError) -> Self {
        let kind = kind_of(&error);
        let has_answered = is_usable_after(&error) || is_replica(&error);
        if has_answered { Self::answered(kind, error) } else { Self::down(kind, error) }
    }
}

fn kind_of(error: &RedisError) -> ErrorKind {
    use ::redis::ErrorKind as Redis;
    match error.kind() {
        Redis::Parse | Redis::UnexpectedReturnType | Redis::RESP3NotSupported => ErrorKind::Protocol,
        Redis::InvalidClientConfig | Redis::EmptySentinelList => ErrorKind::Configuration,
        Redis::Io if error.is_timeout() => ErrorKind::Timeout,
        Redis::Io
        | Redis::MasterNameNotFoundBySentinel
        | Redis::NoValidReplicasFoundBySentinel
        | Redis::ClusterConnectionNotFound
        | Redis::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ReadOnly,
        ) => ErrorKind::Unavailable,
        Redis::AuthenticationFailed | Redis::Extension | Redis::Server(_) => ErrorKind::Rejected,
        _ => ErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn each_error_has_its_kind_and_says_whether_the_server_is_down() {
        let of = |error: RedisError| {
            let error = ClientError::from(error);
            (error.is_down, error.at("redis").kind())
        };
        let io = |kind: io::ErrorKind| of(io::Error::from(kind).into());
        let kind = |kind: ::redis::ErrorKind| of((kind, "why").into());
        let server = |line: &str| {
            of(::redis::parse_redis_value(line.as_bytes()).unwrap().extract_error().unwrap_err())
        };
        assert_eq!(io(io::ErrorKind::TimedOut), (true, ErrorKind::Timeout));
        assert_eq!(io(io::ErrorKind::WouldBlock), (true, ErrorKind::Timeout));
        assert_eq!(io(io::ErrorKind::ConnectionRefused), (true, ErrorKind::Unavailable));
        assert_eq!(io(io::ErrorKind::NotFound), (true, ErrorKind::Unavailable));
        assert_eq!(kind(::redis::ErrorKind::Parse), (true, ErrorKind::Protocol));
        assert_eq!(kind(::redis::ErrorKind::UnexpectedReturnType), (false, ErrorKind::Protocol));
        assert_eq!(kind(::redis::ErrorKind::AuthenticationFailed), (true, ErrorKind::Rejected));
        assert_eq!(of(misconfigured("no URL")), (true, ErrorKind::Configuration));
        assert_eq!(server("-ERR unknown command\r\n"), (false, ErrorKind::Rejected));
        assert_eq!(server("-NOPERM this user has no permissions\r\n"), (false, ErrorKind::Rejected));
        assert_eq!(server("-LOADING the dataset\r\n"), (true, ErrorKind::Unavailable));
        assert_eq!(server("-READONLY you can't write\r\n"), (false, ErrorKind::Unavailable));
        assert_eq!(server("-OOM command not allowed\r\n"), (false, ErrorKind::Rejected));
    }
}
