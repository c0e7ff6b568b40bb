//! The operations of a backend, as requests to Redis: once for plain functions, once for `async` ones.
//!
//! Invariant: a result that was computed from what the source said before a change is not stored after that change. A
//! lookup leaves a mark where there is no item, and a result is stored over the item that was found or left, if it is
//! still there. Whatever removes or replaces the item ends the right to store: a change by any process, eviction,
//! expiry, a restart. Nothing is remembered of what was deleted.

use std::collections::HashMap;
use std::convert::identity;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ::redis::{FromRedisValue, Value};
use lru_core::backend::{
    AsyncBackend, Backend, BackendError, CircuitState, ErrorKind, InvalidationSink, Item, Lease, LeasedItem,
    Leases, Lookup, LookupOptions, Permission, Stored, TAGS, TagKey, TagNonce, TagNonces, TaggedLookup,
    tags_to_read,
};

use super::Redis;
#[cfg(feature = "redis-cluster")]
use super::client::Endpoint;
use super::client::Failure;
use super::error::of_type;
use super::item::{
    HEAD, any_head_of, found, found_versioned, head_of, is_value, lease_over, looked_up, new_lease, new_value,
};
use super::request::{
    Node, Request, WRONG_TYPE, delete, delete_all, is_unknown, look, look_all, pattern, prefix, run_all,
    scan, set, set_all, time_argument, unlink,
};
use super::script::{ADD, END, LOOK, LOOK_TAGGED, RENEW, STORE, Script};
use super::server::Server;
#[cfg(feature = "redis-cluster")]
use super::{connection::nodes_in, request::slots};
use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};
use crate::error::ClientError;

/// How often a request that may be sent again is sent at most.
const TRIES: u32 = 3;

/// How often a namespace is scanned again because slots moved meanwhile.
const SCANS: u32 = 8;

/// How many keys a request with leases has at most: each has the time of one answer.
const MOST_AT_ONCE: usize = 1000;

/// The servers that hold keys, and the answer by which they are known.
type Nodes = (Vec<Option<Node>>, Value);

/// The replies to `PTTL` and `GET`.
type Replies = (i64, Option<Vec<u8>>);

/// The time left, the item, and tags with the items of their nonces.
type TaggedReplies = (i64, Option<Vec<u8>>, Vec<Vec<u8>>);

impl Server {
    /// Returns whether keys lie on several servers.
    #[cfg_attr(not(feature = "redis-cluster"), expect(clippy::unused_self, reason = "there are no clusters"))]
    fn is_cluster(&self) -> bool {
        #[cfg(feature = "redis-cluster")]
        return matches!(self.endpoint, Endpoint::Cluster(_));
        #[cfg(not(feature = "redis-cluster"))]
        false
    }

    /// Returns whether a lookup of this server is made by a script.
    fn looks_by_script(&self) -> bool {
        self.found_old.load(Relaxed) == self.number() + 1
    }

    /// Records that this server is older than Redis 7, until a connection breaks.
    fn found_old_server(&self, number: u64) {
        self.found_old.store(number + 1, Relaxed);
    }
}

/// The tries of a request that may be sent again.
#[derive(Default)]
struct Tries {
    failed: u32,
}

impl Tries {
    /// Returns the outcome of the last try; `None` if the connection turned out to be closed, and the request is sent again.
    fn last<T>(&mut self, outcome: Result<T, Failure>) -> Option<Result<T, Failure>> {
        self.failed += 1;
        let is_repeated = outcome.as_ref().is_err_and(Failure::is_stale) && self.failed < TRIES;
        (!is_repeated).then_some(outcome)
    }
}

/// `$rarely` is applied to what few operations do: the futures of the others need no memory for it.
macro_rules! backend_by_redis {
    (
        $Backend:ident, $CompareAndSwap:ident, $send:ident, $rarely:path,
        [
            $ask:ident $run:ident $run_all:ident $look:ident $look_all:ident $look_by_script:ident $look_tagged:ident $put:ident $nodes:ident $clear_by_scan:ident
        ],
        [$($fn:tt)*] $($await:tt)*
    ) => {
        impl Server {
            /// Sends a request that may be carried out twice. Returns the number of the server, too, as it was before
            /// the request was sent.
            $($fn)* $ask<T: FromRedisValue>(&self, request: &Request) -> Result<(u64, T), Failure> {
                let (until, mut tries) = (self.deadline(), Tries::default());
                loop {
                    let number = self.number();
                    let answer = self.$send(request, tries.failed, until)$($await)*;
                    if let Some(answer) = tries.last(answer) {
                        return Ok((number, of_type(answer?)?));
                    }
                }
            }

            /// Runs a script. It is sent once for each connection that breaks: a second run may see the first.
            $($fn)* $run<T: FromRedisValue>(
                &self,
                script: &Script,
                key: &[u8],
                arguments: &[&[u8]],
            ) -> Result<T, Failure> {
                let until = self.deadline();
                match self.$send(&Request::One(script.by_name(key, arguments)), 0, until)$($await)* {
                    Err(failure) if failure.code() == Some("NOSCRIPT") => {
                        let by_source = Request::One(script.by_source(key, arguments));
                        Ok(of_type(self.$send(&by_source, 0, until)$($await)*?)?)
                    }
                    answer => Ok(of_type(answer?)?),
                }
            }

            /// Runs a script for each of several keys, as [`run`](Self::run) does, in one request.
            $($fn)* $run_all<T: FromRedisValue>(
                &self,
                script: &Script,
                calls: &[(Vec<u8>, Vec<Vec<u8>>)],
            ) -> Result<Vec<T>, Failure> {
                let until = self.deadline();
                let mut replies: Vec<Value> =
                    of_type(self.$send(&run_all(script, calls, false), 0, until)$($await)*?)?;
                // Some nodes of a cluster may know the script, and have run it.
                let unknown: Vec<_> = (0..replies.len()).filter(|at| is_unknown(&replies[*at])).collect();
                if !unknown.is_empty() {
                    let calls: Vec<_> = unknown.iter().map(|at| calls[*at].clone()).collect();
                    let again: Vec<Value> =
                        of_type(self.$send(&run_all(script, &calls, true), 0, until)$($await)*?)?;
                    for (at, reply) in unknown.into_iter().zip(again) {
                        replies[at] = reply;
                    }
                }
                Ok(of_type(Value::Array(replies))?)
            }

            /// Looks items up in one request, and leaves marks where there are none.
            $($fn)* $look_all(&self, keys: &[Vec<u8>], options: LookupOptions) -> Result<Vec<Lookup>, Failure> {
                let mut all = Vec::with_capacity(keys.len());
                if !self.looks_by_script() {
                    let marks: Vec<_> = keys.iter().map(|_| new_lease()).collect();
                    let answer = self.$ask::<Vec<Value>>(&look_all(keys, &marks, options.lease))$($await)*;
                    let items = answer.and_then(|(number, answers)| {
                        let item = |answer| item_in(answer, options.with_ttl());
                        Ok((number, answers.into_iter().map(item).collect::<Result<Vec<_>, _>>()?))
                    });
                    match items {
                        Ok((number, items)) => {
                            for ((item, mark), key) in items.into_iter().zip(&marks).zip(keys) {
                                // An empty string has nothing that a lease could compare.
                                all.push(match &item.1 {
                                    Some(bytes) if bytes.is_empty() => {
                                        $rarely(self.$look_by_script(key, options.lease))$($await)*?
                                    }
                                    _ => looked_up(item, mark, number),
                                });
                            }
                            return Ok(all);
                        }
                        // What is sent for each key finds out what the server or the key is.
                        Err(failure)
                            if failure.is_unknown_set()
                                || failure.code() == Some(WRONG_TYPE)
                                || failure.is_refused_write() => {}
                        Err(failure) => return Err(failure),
                    }
                }
                for key in keys {
                    all.push($rarely(self.$look(key, options))$($await)*?);
                }
                Ok(all)
            }

            /// Looks an item up, and leaves a mark where there is none.
            $($fn)* $look(&self, key: &[u8], options: LookupOptions) -> Result<Lookup, Failure> {
                let (mark, lease) = (new_lease(), options.lease);
                if self.looks_by_script() {
                    return $rarely(self.$look_by_script(key, lease))$($await)*;
                }
                let request = look(key, &mark, options);
                let answer = self.$ask::<Value>(&request)$($await)*;
                let failure = match answer.and_then(|(number, answer)| Ok((number, item_in(answer, options)?))) {
                    // An empty string has nothing that a lease could compare.
                    Ok((_, (_, Some(item)))) if item.is_empty() => {
                        return $rarely(self.$look_by_script(key, lease))$($await)*;
                    }
                    Ok((number, replies)) => return Ok(looked_up(replies, &mark, number)),
                    Err(failure) => failure,
                };
                if failure.is_unknown_set() {
                    let lookup = $rarely(self.$look_by_script(key, lease))$($await)*?;
                    self.found_old_server(self.number());
                    return Ok(lookup);
                }
                if failure.code() == Some(WRONG_TYPE) {
                    return $rarely(self.$look_by_script(key, lease))$($await)*;
                }
                if failure.is_refused_write() {
                    let request = Request::Get(vec![key.to_vec()]);
                    let (_, mut all) = self.$ask::<Vec<Replies>>(&request)$($await)*?;
                    return Ok(Lookup::new(all.pop().and_then(found)).permission(Permission::Denied));
                }
                Err(failure)
            }

            /// Looks an item up by a script: with a server older than Redis 7, and where a mark replaces what is no
            /// item.
            $($fn)* $look_by_script(&self, key: &[u8], lease: Duration) -> Result<Lookup, Failure> {
                let (mark, time) = (new_lease(), time_argument(Some(lease)));
                let mut tries = Tries::default();
                loop {
                    let number = self.number();
                    let replies = self.$run::<Replies>(&LOOK, key, &[&mark, &time])$($await)*;
                    if let Some(replies) = tries.last(replies) {
                        let (ttl, item) = replies?;
                        return Ok(looked_up((Some(ttl), item), &mark, number));
                    }
                }
            }

            /// Looks an item up, and the nonces of tags, by a script.
            $($fn)* $look_tagged(
                &self,
                key: &[u8],
                lease: Duration,
                arguments: &[&[u8]],
            ) -> Result<TaggedLookup, Failure> {
                let (mark, time) = (new_lease(), time_argument(Some(lease)));
                let arguments = [&[&mark[..], &time], arguments].concat();
                let mut tries = Tries::default();
                loop {
                    let number = self.number();
                    let replies = self.$run::<TaggedReplies>(&LOOK_TAGGED, key, &arguments)$($await)*;
                    if let Some(replies) = tries.last(replies) {
                        let (ttl, item, nonces) = replies?;
                        let lookup = looked_up((Some(ttl), item), &mark, number);
                        return Ok(TaggedLookup::new(lookup, nonces_in(&nonces)));
                    }
                }
            }

            /// Sets an entry. If the connection turns out to be closed, the entry may have been set: it is set again
            /// only over what is there then.
            $($fn)* $put(&self, key: &[u8], value: &[u8], ttl: Option<Duration>) -> Result<Option<Lease>, Failure> {
                let (number, (head, item)) = (self.number(), new_value(value));
                match self.$send(&Request::One(set(key, &item, ttl)), 0, self.deadline())$($await)* {
                    Err(failure) if failure.is_stale() => {
                        let lookup = self.$look(key, Duration::from_secs(1).into())$($await)*?;
                        let Permission::Leased(lease) = lookup.permission else { return Err(failure) };
                        let number = self.number();
                        let Some(old) = head_of(&lease, number) else { return Err(failure) };
                        let is_set: bool =
                            self.$run(&STORE, key, &[old, &item, &time_argument(ttl)])$($await)*?;
                        Ok(is_set.then(|| lease_over(&head, number)))
                    }
                    answer => answer.map(|_| Some(lease_over(&head, number))),
                }
            }

            /// Returns the servers that hold keys.
            $($fn)* $nodes(&self) -> Result<Nodes, Failure> {
                #[cfg(feature = "redis-cluster")]
                if let Endpoint::Cluster(_) = self.endpoint {
                    let (_, slots) = self.$ask::<Value>(&slots())$($await)*?;
                    return Ok((nodes_in(slots.clone())?, slots));
                }
                Ok((vec![None], Value::Nil))
            }

            /// Removes all keys that begin with this text. The timeout applies to each step.
            ///
            /// A scan returns all keys that were there from its beginning to its end. A key in a slot that moves
            /// meanwhile may be missed by both servers: then all are scanned again.
            $($fn)* $clear_by_scan(&self, prefix: &str) -> Result<(), Failure> {
                let pattern = pattern(prefix);
                let mut before = self.$nodes()$($await)*?;
                for _ in 0..SCANS {
                    for node in &before.0 {
                        let mut cursor = b"0".to_vec();
                        loop {
                            let request = scan(&cursor, &pattern, node.clone());
                            let (_, (next, keys)) =
                                self.$ask::<(Vec<u8>, Vec<Vec<u8>>)>(&request)$($await)*?;
                            if !keys.is_empty() {
                                let (_, _): (_, u64) = self.$ask(&unlink(&keys))$($await)*?;
                            }
                            if next == b"0" {
                                break;
                            }
                            cursor = next;
                        }
                    }
                    let after = self.$nodes()$($await)*?;
                    if before == after {
                        return Ok(());
                    }
                    before = after;
                }
                Err(ClientError::answered(ErrorKind::Unavailable, "the slots of the cluster keep moving").into())
            }
        }

        impl $Backend for Redis {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                Ok($Backend::get_many(self, namespace, &[key])$($await)*?.pop().flatten())
            }

            $($fn)* get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                if keys.is_empty() {
                    return Ok(Vec::new());
                }
                let server = self.admitted()?;
                let request = Request::Get(keys.iter().map(|key| self.key(namespace, key)).collect());
                let answer = server.$ask::<Vec<Replies>>(&request)$($await)*;
                server.record(answer.map(|(_, all)| all.into_iter().map(found).collect()))
            }

            $($fn)* set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<(), BackendError> {
                $Backend::put(self, namespace, key, value, ttl)$($await)*.map(drop)
            }

            $($fn)* set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
                if items.is_empty() {
                    return Ok(());
                }
                let server = self.admitted()?;
                let command = |item: &Item<'_>| {
                    set(&self.key(namespace, item.key), &new_value(item.value).1, item.ttl)
                };
                // Of two items with one key, the last one: the servers of a cluster keep no order.
                let last: HashMap<_, _> = items.iter().map(|item| (item.key, item)).collect();
                let all = set_all(last.into_values().map(command));
                let sent = server.$send(&all, 0, server.deadline())$($await)*;
                match sent {
                    // The entries may have been set: each is set again only over what is there then.
                    Err(failure) if failure.is_stale() => {}
                    sent => return server.record(sent.map(drop)),
                }
                let mut done = Ok(());
                for item in items {
                    done = done.and($Backend::set(self, namespace, item.key, item.value, item.ttl)$($await)*);
                }
                done
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                $CompareAndSwap::compare_and_swap(self, namespace, key, &None, value, Some(ttl))$($await)*
            }

            $($fn)* get_or_lease(&self, namespace: &str, key: &[u8], options: LookupOptions) -> Result<Lookup, BackendError> {
                let server = self.admitted()?;
                let lookup = server.$look(&self.key(namespace, key), options)$($await)*;
                server.record(lookup)
            }

            $($fn)* set_leased(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                let server = self.admitted()?;
                let number = server.number();
                let Some(old) = head_of(lease, number) else { return Ok(None) };
                let (head, item) = new_value(value);
                let arguments = [old, &item, &time_argument(ttl)];
                let is_set = server.$run(&STORE, &self.key(namespace, key), &arguments)$($await)*;
                server.record(unless_stale(is_set).map(|is_set| is_set.then(|| lease_over(&head, number))))
            }

            /// One round trip for each thousand keys.
            $($fn)* get_or_lease_many(
                &self,
                namespace: &str,
                keys: &[&[u8]],
                options: LookupOptions,
            ) -> Result<Vec<Lookup>, BackendError> {
                let mut all = Vec::with_capacity(keys.len());
                for keys in keys.chunks(MOST_AT_ONCE) {
                    let server = self.admitted()?;
                    let keys: Vec<_> = keys.iter().map(|key| self.key(namespace, key)).collect();
                    let looked = server.$look_all(&keys, options)$($await)*;
                    all.extend(server.record(looked)?);
                }
                Ok(all)
            }

            /// One round trip for each thousand items.
            $($fn)* set_leased_many(
                &self,
                namespace: &str,
                items: &[LeasedItem<'_>],
            ) -> Result<Vec<Option<Lease>>, BackendError> {
                let (mut all, mut done) = (Vec::with_capacity(items.len()), Ok(()));
                for items in items.chunks(MOST_AT_ONCE) {
                    let server = self.admitted()?;
                    let number = server.number();
                    let (mut heads, mut calls) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
                    for LeasedItem { item, lease, .. } in items {
                        let old = head_of(lease, number);
                        heads.push(old.map(|old| {
                            let (head, bytes) = new_value(item.value);
                            let arguments = vec![old.to_vec(), bytes, time_argument(item.ttl)];
                            calls.push((self.key(namespace, item.key), arguments));
                            head
                        }));
                    }
                    if calls.is_empty() {
                        all.extend(heads.iter().map(|_| None));
                        continue;
                    }
                    let are_set = server.$run_all(&STORE, &calls)$($await)*;
                    match server.record(none_if_stale(are_set)) {
                        Ok(are_set) => {
                            let mut are_set = are_set.into_iter();
                            all.extend(heads.into_iter().map(|head| {
                                head.filter(|_| are_set.next() == Some(true)).map(|head| lease_over(&head, number))
                            }));
                        }
                        Err(error) => done = done.and(Err(error)),
                    }
                }
                done.map(|()| all)
            }

            $($fn)* put(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                let server = self.admitted()?;
                let done = server.$put(&self.key(namespace, key), value, ttl)$($await)*;
                server.record(done)
            }

            $($fn)* renew_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                let server = self.admitted()?;
                let Some(head) = head_of(lease, server.number()) else { return Ok(false) };
                let arguments = [head, &time_argument(Some(ttl))];
                let is_there = server.$run(&RENEW, &self.key(namespace, key), &arguments)$($await)*;
                server.record(unless_stale(is_there))
            }

            /// One round trip for each thousand leases.
            $($fn)* renew_leases(
                &self,
                namespace: &str,
                leases: &[(&[u8], &Lease)],
                ttl: Duration,
            ) -> Result<Vec<bool>, BackendError> {
                let mut all = Vec::with_capacity(leases.len());
                for leases in leases.chunks(MOST_AT_ONCE) {
                    let server = self.admitted()?;
                    let number = server.number();
                    let heads: Vec<_> = leases.iter().map(|(_, lease)| head_of(lease, number)).collect();
                    let valid = leases.iter().zip(&heads).filter_map(|((key, _), head)| {
                        Some((self.key(namespace, key), vec![(*head)?.to_vec(), time_argument(Some(ttl))]))
                    });
                    let calls: Vec<_> = valid.collect();
                    let mut are_there = Vec::new().into_iter();
                    if !calls.is_empty() {
                        let renewed = server.$run_all::<bool>(&RENEW, &calls)$($await)*;
                        are_there = server.record(none_if_stale(renewed))?.into_iter();
                    }
                    all.extend(heads.iter().map(|head| head.is_some() && are_there.next() == Some(true)));
                }
                Ok(all)
            }

            /// One round trip for each thousand leases.
            $($fn)* end_leases(&self, namespace: &str, leases: &[(&[u8], &Lease)]) -> Result<(), BackendError> {
                let mut done = Ok(());
                for leases in leases.chunks(MOST_AT_ONCE) {
                    let call = |(key, lease): &(&[u8], &Lease)| {
                        Some((self.key(namespace, key), vec![any_head_of(lease)?.to_vec()]))
                    };
                    let calls: Vec<_> = leases.iter().filter_map(call).collect();
                    if calls.is_empty() {
                        continue;
                    }
                    let server = self.admitted()?;
                    let mut ended = server.$run_all::<Value>(&END, &calls)$($await)*;
                    if ended.as_ref().is_err_and(Failure::is_stale) {
                        ended = server.$run_all(&END, &calls)$($await)*;
                    }
                    done = done.and(server.record(ended.map(drop)));
                }
                done
            }

            $($fn)* end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
                // A lease from before a connection broke is of no use, but others may wait for its end.
                let Some(head) = any_head_of(lease) else { return Ok(()) };
                let server = self.admitted()?;
                let key = self.key(namespace, key);
                let mut done = server.$run::<Value>(&END, &key, &[head])$($await)*;
                if done.as_ref().is_err_and(Failure::is_stale) {
                    done = server.$run(&END, &key, &[head])$($await)*;
                }
                server.record(done.map(drop))
            }

            /// One round trip, but in a cluster, and with a server that does not let scripts read keys that were not declared.
            $($fn)* get_or_lease_tagged(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
                tags: &[TagKey],
                life: Duration,
            ) -> Result<TaggedLookup, BackendError> {
                let server = self.admitted()?;
                if !server.is_cluster() {
                    let fresh: Vec<_> = tags.iter().map(|tag| (tag.bytes(), new_value(TagNonce::fresh().bytes()).1)).collect();
                    let (prefix, life) = (prefix(&self.key_prefix, TAGS), time_argument(Some(life)));
                    let mut arguments: Vec<&[u8]> = vec![prefix.as_bytes(), &life];
                    arguments.extend(fresh.iter().flat_map(|(tag, item)| [&tag[..], item]));
                    let key = self.key(namespace, key);
                    match server.$look_tagged(&key, options.lease, &arguments)$($await)* {
                        // The server refuses the script, or to write.
                        Err(failure) if failure.code().is_some() => {}
                        looked => return server.record(looked),
                    }
                }
                let lookup = $Backend::get_or_lease(self, namespace, key, options)$($await)*?;
                let tags = tags_to_read(tags, lookup.found.as_ref());
                let nonces = $Backend::tag_nonces(self, &tags, Some(life))$($await)*?;
                Ok(TaggedLookup::new(lookup, nonces))
            }

            /// In one step, but in a cluster.
            $($fn)* invalidate_tags(&self, tags: &[TagKey]) -> Result<(), BackendError> {
                let server = self.admitted()?;
                if tags.is_empty() {
                    return Ok(());
                }
                if server.is_cluster() {
                    for tag in tags {
                        $Backend::delete(self, TAGS, &tag.bytes())$($await)*?;
                    }
                    return Ok(());
                }
                let keys: Vec<_> = tags.iter().map(|tag| self.key(TAGS, &tag.bytes())).collect();
                let done = server.$ask::<u64>(&unlink(&keys))$($await)*;
                server.record(done.map(drop))
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                let server = self.admitted()?;
                let done = server.$ask(&delete(&self.key(namespace, key)))$($await)*;
                server.record(done.map(|(_, was_there)| was_there))
            }

            $($fn)* delete_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<bool>, BackendError> {
                if keys.is_empty() {
                    return Ok(Vec::new());
                }
                let server = self.admitted()?;
                let request = delete_all(keys.iter().map(|key| self.key(namespace, key)));
                let done = server.$ask(&request)$($await)*;
                server.record(done.map(|(_, were_there)| were_there))
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                let server = self.admitted()?;
                let done = server.$clear_by_scan(&prefix(&self.key_prefix, namespace))$($await)*;
                server.record(done)
            }

            fn circuit_state(&self) -> Option<CircuitState> {
                Some(self.server().timeouts.breaker.state())
            }

            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                self.track(namespace, sink)
            }
        }

        impl $CompareAndSwap for Redis {
            /// What begins the item of the entry, which no other item begins with; `None` if there is no entry.
            type Version = Option<Vec<u8>>;

            $($fn)* get_versioned(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> Result<(Option<Stored>, Self::Version), BackendError> {
                let server = self.admitted()?;
                let request = Request::Get(vec![self.key(namespace, key)]);
                let answer = server.$ask::<Vec<Replies>>(&request)$($await)*;
                let found = server.record(answer.map(|(_, mut all)| all.pop().and_then(found_versioned)))?;
                Ok(found.map_or((None, None), |(stored, head)| (Some(stored), Some(head.to_vec()))))
            }

            $($fn)* compare_and_swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &Self::Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                let server = self.admitted()?;
                let (key, item, time) = (self.key(namespace, key), new_value(value).1, time_argument(ttl));
                let done = match version {
                    Some(head) => server.$run(&STORE, &key, &[head, &item, &time])$($await)*,
                    None => server.$run(&ADD, &key, &[&item, &time])$($await)*,
                };
                server.record(done)
            }
        }
    };
}

/// Returns the time left, if it was asked for, and the item in the answer of a lookup.
fn item_in(answer: Value, options: LookupOptions) -> Result<(Option<i64>, Option<Vec<u8>>), ClientError> {
    if !options.needs_ttl {
        return Ok((None, of_type(answer)?));
    }
    let (ttl, item) = of_type(answer)?;
    Ok((Some(ttl), item))
}

/// Returns the nonces in the answer of a script: tags, each followed by the item of its nonce.
fn nonces_in(answer: &[Vec<u8>]) -> TagNonces {
    let nonces = answer.chunks_exact(2).filter_map(|pair| {
        let nonce = pair[1].get(HEAD..).filter(|_| is_value(&pair[1]))?;
        Some((TagKey::of(pair[0][..].try_into().ok()?), TagNonce::of(nonce)?))
    });
    nonces.collect()
}

/// Returns `false` if the connection turned out to be closed: a lease is lost with its connection.
fn unless_stale(done: Result<bool, Failure>) -> Result<bool, Failure> {
    match done {
        Err(failure) if failure.is_stale() => Ok(false),
        done => done,
    }
}

/// Returns no answer if the connection turned out to be closed: leases are lost with their connection.
fn none_if_stale(done: Result<Vec<bool>, Failure>) -> Result<Vec<bool>, Failure> {
    match done {
        Err(failure) if failure.is_stale() => Ok(Vec::new()),
        done => done,
    }
}

backend_by_redis! {
    Backend, CompareAndSwap, send, identity, [ask run run_all look look_all look_by_script look_tagged put_item nodes clear_by_scan], [fn]
}
backend_by_redis! {
    AsyncBackend, AsyncCompareAndSwap, send_async, Box::pin,
    [ask_async run_async run_all_async look_async look_all_async look_by_script_async look_tagged_async put_item_async nodes_async clear_by_scan_async],
    [async fn] .await
}

impl Leases for Redis {}
