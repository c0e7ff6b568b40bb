//! The attributes of this crate, and what each has instead of an option.

/// One of the attributes of this crate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    LruCache,
    Cache,
    FifoCache,
    LfuCache,
    RrCache,
    TtlCache,
    AsyncLruCache,
}

impl Attribute {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::LruCache,
        Self::Cache,
        Self::FifoCache,
        Self::LfuCache,
        Self::RrCache,
        Self::TtlCache,
        Self::AsyncLruCache,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LruCache => "lru_cache",
            Self::Cache => "cache",
            Self::FifoCache => "fifo_cache",
            Self::LfuCache => "lfu_cache",
            Self::RrCache => "rr_cache",
            Self::TtlCache => "ttl_cache",
            Self::AsyncLruCache => "async_lru_cache",
        }
    }

    /// Whether this is one of the attributes of this crate, under its own name.
    pub(crate) fn is_one(attr: &syn::Attribute) -> bool {
        Self::named(attr.path()).is_some()
    }

    /// The attribute of this crate that has this path, under its own name.
    pub(crate) fn named(path: &syn::Path) -> Option<Self> {
        let of_functools = path.segments.len() == 2
            && path.segments.first().is_some_and(|crate_| crate_.ident == "functools");
        let last = &path.segments.last()?.ident;
        let is_plain = path.get_ident().is_some() || of_functools;
        Self::ALL.into_iter().find(|attribute| is_plain && last == attribute.name())
    }

    /// What to write instead of an option that this attribute does not take.
    pub(super) fn instead_of(self, option: &str) -> Option<String> {
        let name = self.name();
        match (self, option) {
            (Self::Cache, "maxsize") => Some(UNBOUNDED.to_owned()),
            (Self::Cache, "policy" | "choice" | "seed" | "weight" | "min_weight" | "floor") => Some(format!(
                "`{option}` needs a bound, and `#[cache]` has none; write `#[lru_cache(maxsize = …, {option} = …)]`"
            )),
            (Self::FifoCache | Self::LfuCache | Self::RrCache, "policy") => {
                let policy = name.trim_end_matches("_cache");
                Some(format!(
                    "the policy of `#[{name}]` is `{policy}`; for another one write `#[lru_cache(policy = …)]`"
                ))
            }
            (Self::LruCache, _) => None,
            (_, "cache") => Some(format!(
                "`#[{name}]` cannot use a cache object: it sets options of the function's own cache; write `#[lru_cache(cache = …)]`"
            )),
            _ => None,
        }
    }
}

pub(super) const UNBOUNDED: &str = "`#[cache]` is unbounded; for a bound write `#[lru_cache(maxsize = …)]`";
