//! Requests to Redis, and the names of keys.

use std::fmt::Write as _;
use std::time::Duration;

use ::redis::{Cmd, Pipeline, RedisResult, ServerError, Value, cmd, pipe};

use lru_core::backend::LookupOptions;

use crate::key_prefix::KeyPrefix;
use crate::milliseconds::whole_milliseconds;

use super::item::{HEAD, Head, is_value};
use super::script::Script;

/// How many keys one step of a scan visits.
const STEP: u32 = 1000;

/// The error code of `GET` for a key that holds no string.
pub(super) const WRONG_TYPE: &str = "WRONGTYPE";

/// What is sent in one round trip.
pub(super) enum Request {
    One(Cmd),
    /// The remaining time to live and the item of each of these keys.
    Get(Vec<Vec<u8>>),
    /// Commands for each of several keys, which may be on several servers, and what makes one answer of the replies for a key.
    Each(Vec<Pipeline>, fn(Vec<Value>) -> RedisResult<Value>),
    /// Commands for one key, and what makes one answer of their replies.
    Pipe(Pipeline, fn(Vec<Value>) -> RedisResult<Value>),
    /// A command for one server of a cluster, or for the only server.
    #[cfg_attr(
        not(feature = "redis-cluster"),
        expect(dead_code, reason = "a node is named in a cluster only")
    )]
    At(Cmd, Option<Node>),
}

/// The address of a server of a cluster.
pub(super) type Node = (String, u16);

/// How many digits a number has at most.
const MOST_DIGITS: usize = 20;

/// Returns what all keys of a namespace begin with. The length of the namespace is part of it, so no namespace is a prefix
/// of another.
pub(super) fn prefix(key_prefix: &KeyPrefix, namespace: &str) -> String {
    prefix_of(key_prefix, namespace, 0)
}

/// Returns the key in Redis, in one allocation.
pub(super) fn redis_key(key_prefix: &KeyPrefix, namespace: &str, key: &[u8]) -> Vec<u8> {
    let mut bytes = prefix_of(key_prefix, namespace, key.len()).into_bytes();
    bytes.extend_from_slice(key);
    bytes
}

/// Returns the prefix, with room for what follows.
fn prefix_of(key_prefix: &KeyPrefix, namespace: &str, room: usize) -> String {
    let mut prefix = String::with_capacity(key_prefix.length() + MOST_DIGITS + namespace.len() + room + 2);
    // A `String` takes all that is written.
    _ = write!(prefix, "{key_prefix}{}:{namespace}:", namespace.len());
    prefix
}

/// Returns the `MATCH` pattern for all keys that begin with this text.
pub(super) fn pattern(prefix: &str) -> String {
    let mut pattern = String::new();
    for char in prefix.chars() {
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
    whole_milliseconds(ttl).clamp(1, most)
}

/// `PTTL` and `GET` for each key, in a pipeline.
///
/// An entry that is set between the two has the time of the one before, or is a miss. In the other order, an entry
/// could have the time of a later one.
pub(super) fn gets<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Pipeline {
    let mut commands = tolerant();
    for key in keys {
        commands.cmd("PTTL").arg(key.as_ref()).cmd("GET").arg(key.as_ref());
    }
    commands
}

/// Returns a pipeline in which an error of one command is no error of the others.
fn tolerant() -> Pipeline {
    let mut commands = pipe();
    commands.ignore_errors();
    commands
}

/// Returns the replies, or the first error among them. A key of another type is a miss.
pub(super) fn readable(replies: Vec<Value>) -> RedisResult<Value> {
    with_errors(replies, |error| error.code() == WRONG_TYPE)
}

/// Returns the replies with nothing in place of some errors, or the first error that is none of them.
fn with_errors(replies: Vec<Value>, is_nothing: fn(&ServerError) -> bool) -> RedisResult<Value> {
    let replies = replies.into_iter().map(|reply| match reply {
        Value::ServerError(error) if is_nothing(&error) => Ok(Value::Nil),
        Value::ServerError(error) => Err(error.into()),
        reply => Ok(reply),
    });
    Ok(Value::Array(replies.collect::<RedisResult<_>>()?))
}

/// `SET … NX GET` returns the item, or leaves a mark where there is none. `PTTL` comes before it if the time is needed: see
/// [`gets`].
pub(super) fn look(key: &[u8], mark: &Head, options: LookupOptions) -> Request {
    let set = look_command(key, mark, options.lease);
    if !options.needs_ttl {
        return Request::One(set);
    }
    Request::Pipe(with_time(key, set), all_done)
}

/// Like [`look`], for several keys, with the times.
pub(super) fn look_all(keys: &[Vec<u8>], marks: &[Head], lease: Duration) -> Request {
    let look = |(key, mark): (&Vec<u8>, &Head)| with_time(key, look_command(key, mark, lease));
    Request::Each(keys.iter().zip(marks).map(look).collect(), all_done)
}

fn look_command(key: &[u8], mark: &Head, lease: Duration) -> Cmd {
    const WORDS: usize = "SETNXGETPX".len() + MOST_DIGITS;
    let mut set = Cmd::with_capacity(7, WORDS + key.len() + HEAD);
    set.arg("SET").arg(key).arg(mark).arg("NX").arg("GET").arg("PX").arg(milliseconds(lease));
    set
}

/// `PTTL` of a key, and a command for it.
fn with_time(key: &[u8], command: Cmd) -> Pipeline {
    let mut time = Cmd::with_capacity(2, "PTTL".len() + key.len());
    time.arg("PTTL").arg(key);
    let mut commands = Pipeline::with_capacity(2);
    commands.ignore_errors().add_command(time).add_command(command);
    commands
}

/// A script for each of several keys, with arguments for each.
pub(super) fn run_all(script: &Script, calls: &[(Vec<u8>, Vec<Vec<u8>>)], is_by_source: bool) -> Request {
    let run = |(key, arguments): &(Vec<u8>, Vec<Vec<u8>>)| {
        let arguments: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
        let mut commands = tolerant();
        commands.add_command(if is_by_source {
            script.by_source(key, &arguments)
        } else {
            script.by_name(key, &arguments)
        });
        commands
    };
    Request::Each(calls.iter().map(run).collect(), only_or_unknown)
}

/// Returns the only reply, or what [`is_unknown`] recognizes if the server does not know the script.
fn only_or_unknown(replies: Vec<Value>) -> RedisResult<Value> {
    match only(replies) {
        Err(error) if error.code() == Some("NOSCRIPT") => Ok(Value::SimpleString("NOSCRIPT".to_owned())),
        reply => reply,
    }
}

/// Returns whether the server did not run the script, because it does not know it.
pub(super) fn is_unknown(reply: &Value) -> bool {
    matches!(reply, Value::SimpleString(text) if text == "NOSCRIPT")
}

/// Returns the only reply.
fn only(replies: Vec<Value>) -> RedisResult<Value> {
    let [reply] = <[Value; 1]>::try_from(replies).map_err(|_| unexpected())?;
    reply.extract_error()
}

/// Removes a key. [`was_removed`] reads the replies.
fn remove(key: &[u8]) -> Pipeline {
    let mut commands = tolerant();
    commands.cmd("GETRANGE").arg(key).arg(0).arg(HEAD - 1).cmd("UNLINK").arg(key);
    commands
}

/// Returns whether an entry was there. The removal counts, whatever was there.
fn was_removed(replies: Vec<Value>) -> RedisResult<Value> {
    let [head, removed] = <[Value; 2]>::try_from(replies).map_err(|_| unexpected())?;
    let is_removed = removed.extract_error()? == Value::Int(1);
    let was_entry = matches!(head, Value::BulkString(head) if is_value(&head));
    Ok(Value::Boolean(is_removed && was_entry))
}

/// Removes a key, and tells whether an entry was there.
pub(super) fn delete(key: &[u8]) -> Request {
    Request::Pipe(remove(key), was_removed)
}

/// Removes keys, and tells for each whether an entry was there.
pub(super) fn delete_all(keys: impl IntoIterator<Item = Vec<u8>>) -> Request {
    Request::Each(keys.into_iter().map(|key| remove(&key)).collect(), was_removed)
}

fn unexpected() -> ::redis::RedisError {
    (::redis::ErrorKind::UnexpectedReturnType, "as many replies as commands were expected").into()
}

/// `SET` of an item under a key.
pub(super) fn set(key: &[u8], item: &[u8], ttl: Option<Duration>) -> Cmd {
    let mut command = cmd("SET");
    command.arg(key).arg(item);
    if let Some(ttl) = ttl {
        command.arg("PX").arg(milliseconds(ttl));
    }
    command
}

/// `SET` of items under keys.
pub(super) fn set_all(items: impl IntoIterator<Item = Cmd>) -> Request {
    let pipeline = |command| {
        let mut commands = tolerant();
        commands.add_command(command);
        commands
    };
    Request::Each(items.into_iter().map(pipeline).collect(), all_done)
}

/// Returns the commands for all keys as one pipeline.
pub(super) fn pipeline(commands: &[Pipeline]) -> Pipeline {
    let mut all = tolerant();
    for command in commands.iter().flat_map(Pipeline::cmd_iter) {
        all.add_command(command.clone());
    }
    all
}

/// Returns the answers for all keys, from the replies to [`pipeline`].
pub(super) fn answers(
    commands: &[Pipeline],
    replies: Vec<Value>,
    answer: fn(Vec<Value>) -> RedisResult<Value>,
) -> RedisResult<Value> {
    let mut replies = replies.into_iter();
    let of_key = |commands: &Pipeline| answer(replies.by_ref().take(commands.len()).collect());
    Ok(Value::Array(commands.iter().map(of_key).collect::<RedisResult<_>>()?))
}

/// Returns the replies, or the first error among them.
fn all_done(replies: Vec<Value>) -> RedisResult<Value> {
    with_errors(replies, |_| false)
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

/// Returns the time to live as an argument of a script.
pub(super) fn time_argument(ttl: Option<Duration>) -> Vec<u8> {
    ttl.map_or_else(Vec::new, |ttl| milliseconds(ttl).to_string().into_bytes())
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

    /// The test vectors of `docs/format.md`.
    #[test]
    fn keys_are_as_they_are_specified() {
        let of = |prefix: &str| redis_key(&KeyPrefix::new(prefix.to_owned()), "shop.price", b"[7]");
        assert_eq!((of(""), of("app:")), (b"10:shop.price:[7]".to_vec(), b"app:10:shop.price:[7]".to_vec()));
    }

    #[test]
    fn no_namespace_is_the_beginning_of_another() {
        let (none, shop) = (KeyPrefix::default(), KeyPrefix::new("shop*".to_owned()));
        assert_eq!(redis_key(&none, "a", b"b:c"), b"1:a:b:c");
        assert_eq!(redis_key(&shop, "a", b"b:c"), b"shop*1:a:b:c");
        assert_ne!(redis_key(&none, "a", b"b:c"), redis_key(&none, "a:b", b"c"));
        assert_eq!(pattern(&prefix(&none, "a*[b]?\\")), "7:a\\*\\[b\\]\\?\\\\:*");
        assert_eq!(pattern(&prefix(&shop, "a")), "shop\\*1:a:*");
    }
}
