//! The names that other caching libraries give to options of this one.
//!
//! The libraries are `cached`, `memoize`, `moka` and `quick_cache` for Rust, `cachetools`, `aiocache` and
//! Django for Python, and Caffeine for Java.

use super::attribute::Attribute;
use super::table::Entry;

/// What another library calls an option, and what to write instead.
struct Synonym {
    /// In lower case, without underscores.
    names: &'static [&'static str],
    instead: Instead,
}

enum Instead {
    /// An option, and what to know about its value.
    Option(&'static str, &'static str),
    /// No option: how the library does it.
    Other(&'static str),
}

use Instead::{Option as Named, Other};

const SYNONYMS: &[Synonym] = &[
    Synonym {
        names: &[
            "time",
            "timetolive",
            "lifespan",
            "lifetime",
            "maxage",
            "expire",
            "expires",
            "expiration",
            "expireafterwrite",
        ],
        instead: Named("ttl", ""),
    },
    Synonym {
        names: &["ttlsecs", "ttlseconds", "timesecs", "timeseconds"],
        instead: Named("ttl", "it counts seconds"),
    },
    Synonym {
        names: &["ttlms", "ttlmillis", "timemillis", "timems"],
        instead: Named("ttl", "for milliseconds write `ttl = Duration::from_millis(…)`"),
    },
    Synonym { names: &["timetoidle", "expireafteraccess", "idle", "maxidle"], instead: Named("tti", "") },
    Synonym {
        names: &["refresh", "timerefresh", "ttlrefresh", "sliding"],
        instead: Named("tti", "it takes the number of seconds without a hit after which a result expires"),
    },
    Synonym {
        names: &["expireafter", "expiry"],
        instead: Named("ttu", "for one duration for all results write `ttl = …`"),
    },
    Synonym {
        names: &[
            "condition",
            "cacheif",
            "keepif",
            "storeif",
            "shouldcache",
            "predicate",
            "onlyif",
            "isvalid",
        ],
        instead: Named("keep", "it takes the arguments and the result, and returns whether it is stored"),
    },
    Synonym {
        names: &["unless", "skipif", "dontcacheif"],
        instead: Named("keep", "it returns whether a result is stored, so negate the condition"),
    },
    Synonym {
        names: &["tag", "tagged", "groups", "group", "cachetags", "invalidateon", "keys"],
        instead: Named("tags", "it takes a closure, such as `tags = |id| [tag(\"user\", id)]`"),
    },
    Synonym {
        names: &["dependson", "dependencies", "dependency", "tracked", "track"],
        instead: Named("depends", "`depends = true` records what the function reads while it computes"),
    },
    Synonym { names: &["refreshafterwrite", "stalewhilerevalidate"], instead: Named("swr", "") },
    Synonym {
        names: &["resultfallback", "staleonerror"],
        instead: Named("stale_if_error", "it takes the number of seconds past the `ttl`"),
    },
    Synonym {
        names: &[
            "size",
            "capacity",
            "cap",
            "maxcapacity",
            "maxentries",
            "maxitems",
            "maxlen",
            "maximumsize",
            "limit",
            "bound",
        ],
        instead: Named("maxsize", ""),
    },
    Synonym {
        names: &["maxweight", "maximumweight", "weightcapacity"],
        instead: Named("maxsize", "with `weight = …` it bounds the sum of the weights"),
    },
    Synonym { names: &["unbound", "unbounded"], instead: Named("maxsize", "`maxsize = None` is unbounded") },
    Synonym { names: &["weigher", "getsizeof", "sizeof"], instead: Named("weight", "") },
    Synonym {
        names: &["evictionlistener", "removallistener", "onremoval", "onremove"],
        instead: Named("on_evict", ""),
    },
    Synonym { names: &["evictionpolicy", "eviction", "strategy", "algorithm"], instead: Named("policy", "") },
    Synonym {
        names: &["mrc", "missratiocurve", "sample", "sampling", "advice"],
        instead: Named("insight", ""),
    },
    Synonym { names: &["clock", "ticker"], instead: Named("timer", "") },
    Synonym {
        names: &["syncwrites", "sync", "coalesce", "dedupe", "deduplicate", "lock"],
        instead: Named("single_flight", ""),
    },
    Synonym { names: &["lockfree", "seqlock", "optimistic"], instead: Named("lock_free", "") },
    Synonym {
        names: &["syncwritesbuckets", "buckets", "segments", "numshards", "concurrencylevel"],
        instead: Named("shards", ""),
    },
    Synonym {
        names: &["convert", "keybuilder", "makekey", "hasher", "keygenerator"],
        instead: Named("key", "it takes a function of the arguments, such as `key = |user, _| user.id`"),
    },
    Synonym {
        names: &["cacheprefix", "cacheprefixblock", "prefix", "keyprefix"],
        instead: Named("namespace", ""),
    },
    Synonym {
        names: &["maperror"],
        instead: Named("on_backend_error", "to return errors of the backend write `strict = true`"),
    },
    Synonym { names: &["serializer", "serialization", "codec"], instead: Named("format", "") },
    Synonym { names: &["name"], instead: Named("handle", "it names the type of the accessors") },
    Synonym {
        names: &["ty", "create"],
        instead: Named("cache", "it takes a cache object; without one the function has its own cache"),
    },
    Synonym {
        names: &["threadlocal", "perthread", "local"],
        instead: Named("scope", "`scope = thread` gives each thread its own cache"),
    },
    Synonym {
        names: &["result"],
        instead: Other("no option is needed: an `Err` is not cached, unless `cache_errors = true` is set"),
    },
    Synonym {
        names: &["option"],
        instead: Other("no option is needed: `None` is cached, unless `cache_none = false` is set"),
    },
    Synonym {
        names: &["sharedcache", "shared"],
        instead: Other("no option is needed: all threads share the cache"),
    },
    Synonym {
        names: &["ignore", "skip", "exclude"],
        instead: Other("write `#[key(skip)]` before the parameter that is not in the key"),
    },
    Synonym { names: &["redis"], instead: Other("write `backend = redis(…)`") },
    Synonym { names: &["memcached", "memcache"], instead: Other("write `backend = memcached(…)`") },
    Synonym {
        names: &["disk", "diskdir", "file", "path"],
        instead: Other("write `backend = disk(…)`, or `snapshot = …` for one file"),
    },
];

/// What to write instead of an option of another library: the option where there is one, and the words.
pub(super) fn instead_of(attribute: Attribute, name: &str) -> Option<(Option<&'static str>, String)> {
    let plain = name.replace('_', "").to_lowercase();
    let synonym = SYNONYMS.iter().find(|synonym| synonym.names.contains(&plain.as_str()))?;
    Some(match synonym.instead {
        Other(how) => (None, how.to_owned()),
        Named(option, about) => match attribute.instead_of(option) {
            Some(other) => (None, other),
            None if Entry::find(attribute, option).is_none() => return None,
            None if about.is_empty() => (Some(option), format!("did you mean `{option}`?")),
            None => (Some(option), format!("did you mean `{option}`? {about}")),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_name_options_that_exist() {
        for synonym in SYNONYMS {
            if let Named(option, _) = synonym.instead {
                assert!(Entry::find(Attribute::LruCache, option).is_some(), "`{option}`");
            }
        }
    }

    #[test]
    fn synonyms_are_no_options() {
        for name in SYNONYMS.iter().flat_map(|synonym| synonym.names) {
            assert!(Entry::find(Attribute::LruCache, name).is_none(), "`{name}`");
            assert_eq!(SYNONYMS.iter().filter(|synonym| synonym.names.contains(name)).count(), 1, "`{name}`");
        }
    }
}
