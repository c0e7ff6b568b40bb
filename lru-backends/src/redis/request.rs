//! Requests to Redis, and the names of keys.

use std::time::Duration;

use ::redis::{Cmd, Pipeline, RedisResult, Value, cmd, pipe};
use lru_core::backend::Stored;

/// How many keys one step of a scan visits.
const STEP: u32 = 1000;

/// The answer of `PTTL` for a missing key.
const MISSING: i64 = -2;

/// The error code of `GET` for a key that holds no string.
pub(super) const WRONG_TYPE: &str = "WRONGTYPE";

/// Sets a key if its value is the expected one. A key of another type counts as missing.
const COMPARE_AND_SWAP: &str = "
local old = false
if redis.call('TYPE', KEYS[1]).ok == 'string' then old = redis.call('GET', KEYS[1]) end
if (ARGV[1] == '1' and old ~= ARGV[2]) or (ARGV[1] == '0' and old) then return 0 end
if ARGV[4] == '' then redis.call('SET', KEYS[1], ARGV[3])
else redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) end
return 1";

/// What is sent in one round trip.
pub(super) enum Request {
    One(Cmd),
    /// The value and the remaining time to live of each of these keys.
    Get(Vec<Vec<u8>>),
    /// A command for one server of a cluster, or for the only server.
    #[cfg_attr(
        not(feature = "redis-cluster"),
        expect(dead_code, reason = "a node is named in a cluster only")
    )]
    At(Cmd, Option<Node>),
}

/// The address of a server of a cluster.
pub(super) type Node = (String, u16);

/// Returns the prefix of all keys of a namespace. It begins with its length, so no namespace is a prefix of
/// another.
pub(super) fn prefix(namespace: &str) -> String {
    format!("{}:{namespace}:", namespace.len())
}

/// Returns the key in Redis.
pub(super) fn redis_key(namespace: &str, key: &[u8]) -> Vec<u8> {
    [prefix(namespace).as_bytes(), key].concat()
}

/// Returns the `MATCH` pattern for all keys of a namespace.
pub(super) fn pattern(namespace: &str) -> String {
    let mut pattern = String::new();
    for char in prefix(namespace).chars() {
        if matches!(char, '*' | '?' | '[' | ']' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern + "*"
}

/// Returns the time to live in milliseconds, rounded up and at least one: `PX 0` is an error.
fn milliseconds(ttl: Duration) -> u64 {
    let most = i64::MAX.unsigned_abs() / 2;
    u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(most).clamp(1, most)
}

/// `GET` and `PTTL` for each key, in a pipeline.
pub(super) fn gets<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Pipeline {
    let mut commands = pipe();
    for key in keys {
        commands.cmd("GET").arg(key.as_ref()).cmd("PTTL").arg(key.as_ref());
    }
    // An error for one key is no error for the others.
    commands.ignore_errors();
    commands
}

/// Returns the replies, or the first error among them. A key of another type is a miss.
pub(super) fn readable(replies: Vec<Value>) -> RedisResult<Value> {
    let replies = replies.into_iter().map(|reply| match reply {
        Value::ServerError(error) if error.code() == WRONG_TYPE => Ok(Value::Nil),
        Value::ServerError(error) => Err(error.into()),
        reply => Ok(reply),
    });
    Ok(Value::Array(replies.collect::<RedisResult<_>>()?))
}

/// Returns the entry, from the replies to `GET` and `PTTL`.
pub(super) fn found((value, ttl): (Option<Vec<u8>>, i64)) -> Option<Stored> {
    // The key may have expired between the two commands.
    let value = value.filter(|_| ttl != MISSING)?;
    Some(Stored::new(value).ttl(u64::try_from(ttl).ok().map(Duration::from_millis)))
}

pub(super) fn set(key: &[u8], value: &[u8], ttl: Option<Duration>) -> Request {
    let mut command = cmd("SET");
    command.arg(key).arg(value);
    if let Some(ttl) = ttl {
        command.arg("PX").arg(milliseconds(ttl));
    }
    Request::One(command)
}

pub(super) fn unlink(keys: &[Vec<u8>]) -> Request {
    let mut command = cmd("UNLINK");
    command.arg(keys);
    Request::One(command)
}

pub(super) fn scan(cursor: &[u8], pattern: &str, node: Option<Node>) -> Request {
    let mut command = cmd("SCAN");
    command.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(STEP);
    Request::At(command, node)
}

pub(super) fn compare_and_swap(
    key: &[u8],
    expected: Option<&[u8]>,
    value: &[u8],
    ttl: Option<Duration>,
) -> Request {
    let mut command = cmd("EVAL");
    command.arg(COMPARE_AND_SWAP).arg(1).arg(key);
    command.arg(if expected.is_some() { "1" } else { "0" }).arg(expected.unwrap_or_default()).arg(value);
    command.arg(ttl.map_or_else(String::new, |ttl| milliseconds(ttl).to_string()));
    Request::One(command)
}

#[cfg(feature = "redis-cluster")]
pub(super) fn slots() -> Request {
    let mut command = cmd("CLUSTER");
    command.arg("SLOTS");
    Request::One(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up() {
        let times = [Duration::ZERO, Duration::from_nanos(1), Duration::from_micros(1001), Duration::MAX];
        assert_eq!(times.map(milliseconds), [1, 1, 2, i64::MAX.unsigned_abs() / 2]);
    }

    #[test]
    fn no_namespace_is_the_beginning_of_another() {
        assert_eq!(redis_key("a", b"b:c"), b"1:a:b:c");
        assert_ne!(redis_key("a", b"b:c"), redis_key("a:b", b"c"));
        assert_eq!(pattern("a*[b]?\\"), "7:a\\*\\[b\\]\\?\\\\:*");
    }
}
