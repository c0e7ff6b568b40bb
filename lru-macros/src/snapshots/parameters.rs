pub(crate) unsafe fn search<'a>(
    text: &'a str,
    __arg1: (f64, Query),
    __arg2: &&Query,
    words: &[&str],
) -> io::Result<Found>
where
    'a: 'static,
{
    use ::functools::__private::choices::*;
    let __looked = find::__memo(&())
        .handle()
        .lookup(
            (
                text,
                (
                    &__arg1.0,
                    ::functools::__private::Argument::__allow(
                        (&&&&&&::functools::__private::SelectKey::shared(&__arg1.1))
                            .__key(),
                    ),
                ),
                ::functools::__private::Argument::__allow(
                    (&&&&&&::functools::__private::SelectKey::shared(&(*(*__arg2))))
                        .__key(),
                ),
                words,
            ),
            ::functools::__private::Cacheable::__allow(
                ::functools::__private::Cloneable::__allow(
                    (&&&&&::functools::__private::SelectPolicy::<
                        io::Result<Found>,
                        ::functools::__private::Shared,
                    >::NEW)
                        .__result_policy(),
                ),
            ),
        );
    match __looked {
        ::core::result::Result::Ok(__hit) => __hit,
        ::core::result::Result::Err(__miss) => {
            __miss.insert(unsafe { find::wrapped(text, __arg1, __arg2, words) })
        }
    }
}
/// Accessors of the cache of the function `search`.
pub(crate) enum find {}
impl find {
    #[doc(hidden)]
    fn __memo(
        _: &'static (),
    ) -> &'static ::functools::__private::LruMemo<
        (
            ::functools::__private::String,
            (f64, ::functools::__private::stored_argument!(Query)),
            ::functools::__private::stored_argument!(Query),
            ::functools::__private::Vec<::functools::__private::String>,
        ),
        ::functools::__private::stored_result!(io::Result < Found >),
        {
            ::functools::__private::bound(
                ::functools::__private::integer(1 << LIMIT) as ::core::primitive::i128,
                ::functools::__private::integer(1 << LIMIT) as ::core::primitive::f64,
            )
        },
        {
            ::functools::__private::placement!(
                { ::functools::__private::bound(::functools::__private::integer(1 <<
                LIMIT) as ::core::primitive::i128, ::functools::__private::integer(1 <<
                LIMIT) as ::core::primitive::f64,) }, (::functools::__private::String,
                (f64, ::functools::__private::stored_argument!(Query),),
                ::functools::__private::stored_argument!(Query),
                ::functools::__private::Vec < ::functools::__private::String >,),
                ::functools::__private::stored_result!(io::Result < Found >), str, f64,
                Query, Query, [& 'static str]
            )
        },
    > {
        static __MEMO: ::functools::__private::LruMemo<
            (
                ::functools::__private::String,
                (f64, ::functools::__private::stored_argument!(Query)),
                ::functools::__private::stored_argument!(Query),
                ::functools::__private::Vec<::functools::__private::String>,
            ),
            ::functools::__private::stored_result!(io::Result < Found >),
            {
                ::functools::__private::bound(
                    ::functools::__private::integer(1 << LIMIT)
                        as ::core::primitive::i128,
                    ::functools::__private::integer(1 << LIMIT) as ::core::primitive::f64,
                )
            },
            {
                ::functools::__private::placement!(
                    { ::functools::__private::bound(::functools::__private::integer(1 <<
                    LIMIT) as ::core::primitive::i128, ::functools::__private::integer(1
                    << LIMIT) as ::core::primitive::f64,) },
                    (::functools::__private::String, (f64,
                    ::functools::__private::stored_argument!(Query),),
                    ::functools::__private::stored_argument!(Query),
                    ::functools::__private::Vec < ::functools::__private::String >,),
                    ::functools::__private::stored_result!(io::Result < Found >), str,
                    f64, Query, Query, [& 'static str]
                )
            },
        > = ::functools::__private::StaticCache::new();
        ::functools::__private::register! {
            (& __MEMO).handle(), false, "search", "find::__memo"
        }
        &__MEMO
    }
    /// Calls the function itself, without the cache.
    pub(crate) unsafe fn wrapped<'a>(
        text: &'a str,
        (at, mut limit): (f64, Query),
        _: &&Query,
        words: &[&str],
    ) -> io::Result<Found>
    where
        'a: 'static,
    {
        body()
    }
    /// Returns the cache statistics: hits, misses, `maxsize` and the number of entries.
    pub(crate) fn cache_info() -> ::functools::CacheInfo {
        Self::__memo(&()).handle().info()
    }
    /// Returns further statistics, such as evictions, expiries and stale hits.
    pub(crate) fn cache_stats() -> ::functools::CacheStats {
        Self::__memo(&()).handle().stats()
    }
    /// Removes all entries and sets the statistics to zero.
    pub(crate) fn cache_clear() {
        Self::__memo(&()).handle().clear();
    }
    /// Returns the parameters of the cache: `maxsize` and `typed`.
    pub(crate) fn cache_parameters() -> ::functools::CacheParameters {
        Self::__memo(&()).handle().parameters(false)
    }
    /// Returns whether a result is cached for these arguments; this is neither a hit nor a miss.
    pub(crate) fn cache_contains<'a>(
        text: &'a str,
        __arg1: (f64, Query),
        __arg2: &&Query,
        words: &[&str],
    ) -> ::core::primitive::bool
    where
        'a: 'static,
    {
        use ::functools::__private::choices::*;
        Self::__memo(&())
            .handle()
            .contains((
                text,
                (
                    &__arg1.0,
                    (&&&&&&::functools::__private::SelectKey::shared(&__arg1.1))
                        .__key()
                        .__assumed(),
                ),
                (&&&&&&::functools::__private::SelectKey::shared(&(*(*__arg2))))
                    .__key()
                    .__assumed(),
                words,
            ))
    }
    /// Returns the cached result for these arguments; this is neither a hit nor a miss.
    pub(crate) fn cache_peek<'a>(
        text: &'a str,
        __arg1: (f64, Query),
        __arg2: &&Query,
        words: &[&str],
    ) -> ::core::option::Option<io::Result<Found>>
    where
        'a: 'static,
    {
        use ::functools::__private::choices::*;
        Self::__memo(&())
            .handle()
            .peek(
                (
                    text,
                    (
                        &__arg1.0,
                        (&&&&&&::functools::__private::SelectKey::shared(&__arg1.1))
                            .__key()
                            .__assumed(),
                    ),
                    (&&&&&&::functools::__private::SelectKey::shared(&(*(*__arg2))))
                        .__key()
                        .__assumed(),
                    words,
                ),
                (&&&&&::functools::__private::SelectPolicy::<
                    io::Result<Found>,
                    ::functools::__private::Shared,
                >::NEW)
                    .__assumed_policy(),
            )
    }
    /// Stores a result for these arguments, as if the function had returned it.
    pub(crate) fn cache_put<'a>(
        text: &'a str,
        __arg1: (f64, Query),
        __arg2: &&Query,
        words: &[&str],
        new_result: io::Result<Found>,
    )
    where
        'a: 'static,
    {
        use ::functools::__private::choices::*;
        Self::__memo(&())
            .handle()
            .put(
                (
                    text,
                    (
                        &__arg1.0,
                        (&&&&&&::functools::__private::SelectKey::shared(&__arg1.1))
                            .__key()
                            .__assumed(),
                    ),
                    (&&&&&&::functools::__private::SelectKey::shared(&(*(*__arg2))))
                        .__key()
                        .__assumed(),
                    words,
                ),
                new_result,
                (&&&&&::functools::__private::SelectPolicy::<
                    io::Result<Found>,
                    ::functools::__private::Shared,
                >::NEW)
                    .__assumed_policy(),
            );
    }
    /// Removes the cached result for these arguments, and returns whether there was one.
    pub(crate) fn cache_invalidate<'a>(
        text: &'a str,
        __arg1: (f64, Query),
        __arg2: &&Query,
        words: &[&str],
    ) -> ::core::primitive::bool
    where
        'a: 'static,
    {
        use ::functools::__private::choices::*;
        Self::__memo(&())
            .handle()
            .invalidate((
                text,
                (
                    &__arg1.0,
                    (&&&&&&::functools::__private::SelectKey::shared(&__arg1.1))
                        .__key()
                        .__assumed(),
                ),
                (&&&&&&::functools::__private::SelectKey::shared(&(*(*__arg2))))
                    .__key()
                    .__assumed(),
                words,
            ))
    }
    /// Calls the function, replaces the cached result, and returns the new one; this is a miss.
    pub(crate) unsafe fn cache_refresh<'a>(
        text: &'a str,
        __arg1: (f64, Query),
        __arg2: &&Query,
        words: &[&str],
    ) -> io::Result<Found>
    where
        'a: 'static,
    {
        use ::functools::__private::choices::*;
        let __miss = Self::__memo(&())
            .handle()
            .refresh(
                (
                    text,
                    (
                        &__arg1.0,
                        (&&&&&&::functools::__private::SelectKey::shared(&__arg1.1))
                            .__key()
                            .__assumed(),
                    ),
                    (&&&&&&::functools::__private::SelectKey::shared(&(*(*__arg2))))
                        .__key()
                        .__assumed(),
                    words,
                ),
                (&&&&&::functools::__private::SelectPolicy::<
                    io::Result<Found>,
                    ::functools::__private::Shared,
                >::NEW)
                    .__assumed_policy(),
            );
        __miss.insert(unsafe { Self::wrapped(text, __arg1, __arg2, words) })
    }
    /// Calls the function, and returns where the result comes from as well, and its age.
    pub(crate) unsafe fn cache_call<'a>(
        text: &'a str,
        __arg1: (f64, Query),
        __arg2: &&Query,
        words: &[&str],
    ) -> ::functools::Cached<io::Result<Found>>
    where
        'a: 'static,
    {
        use ::functools::__private::choices::*;
        #[allow(deprecated)]
        let _ = search;
        let __miss = match Self::__memo(&())
            .handle()
            .lookup_observed(
                (
                    text,
                    (
                        &__arg1.0,
                        (&&&&&&::functools::__private::SelectKey::shared(&__arg1.1))
                            .__key()
                            .__assumed(),
                    ),
                    (&&&&&&::functools::__private::SelectKey::shared(&(*(*__arg2))))
                        .__key()
                        .__assumed(),
                    words,
                ),
                (&&&&&::functools::__private::SelectPolicy::<
                    io::Result<Found>,
                    ::functools::__private::Shared,
                >::NEW)
                    .__assumed_policy(),
            )
        {
            ::core::result::Result::Ok(__hit) => return __hit,
            ::core::result::Result::Err(__miss) => __miss,
        };
        ::functools::__private::computed(
            __miss.insert(unsafe { Self::wrapped(text, __arg1, __arg2, words) }),
        )
    }
    /// Returns the cached result if it was stored less than `age` ago, which is a hit; runs nothing.
    pub(crate) fn cache_get_within<
        'a,
        Age: ::functools::__private::IntoSpan<::core::time::Duration>,
    >(
        age: Age,
        text: &'a str,
        __arg1: (f64, Query),
        __arg2: &&Query,
        words: &[&str],
    ) -> ::core::option::Option<io::Result<Found>>
    where
        'a: 'static,
    {
        use ::functools::__private::choices::*;
        Self::__memo(&())
            .handle()
            .get_within(
                (
                    text,
                    (
                        &__arg1.0,
                        (&&&&&&::functools::__private::SelectKey::shared(&__arg1.1))
                            .__key()
                            .__assumed(),
                    ),
                    (&&&&&&::functools::__private::SelectKey::shared(&(*(*__arg2))))
                        .__key()
                        .__assumed(),
                    words,
                ),
                (&&&&&::functools::__private::SelectPolicy::<
                    io::Result<Found>,
                    ::functools::__private::Shared,
                >::NEW)
                    .__assumed_policy(),
                age,
            )
    }
    /// Changes the capacity, and evicts the entries that exceed it; `None` is unbounded, `0` stores nothing.
    pub(crate) fn cache_resize<
        Size: ::core::convert::Into<::core::option::Option<::core::primitive::usize>>,
    >(maxsize: Size) {
        Self::__memo(&()).handle().resize(maxsize);
    }
    /// Removes the entries for which the test of arguments and result returns `false`.
    pub(crate) fn cache_retain<
        KeepIf: ::core::ops::FnMut(
                &(
                    ::functools::__private::String,
                    (f64, ::functools::__private::stored_argument!(Query)),
                    ::functools::__private::stored_argument!(Query),
                    ::functools::__private::Vec<::functools::__private::String>,
                ),
                &::functools::__private::stored_result!(io::Result < Found >),
            ) -> ::core::primitive::bool,
    >(keep_if: KeepIf) {
        Self::__memo(&()).handle().retain(keep_if);
    }
    /// Returns copies of all entries: arguments, result and age. Counts nothing.
    pub(crate) fn cache_entries() -> <fn(
        &'static (),
    ) -> ::std::vec::Vec<
        ::functools::CacheEntry<
            (
                ::functools::__private::String,
                (f64, ::functools::__private::stored_argument!(Query)),
                ::functools::__private::stored_argument!(Query),
                ::functools::__private::Vec<::functools::__private::String>,
            ),
            ::functools::__private::stored_result!(io::Result < Found >),
        >,
    > as ::functools::__private::Returned>::Type
    where
        for<'__lazy> <fn(
            &'static (),
        ) -> (
            ::functools::__private::String,
            (f64, ::functools::__private::stored_argument!(Query)),
            ::functools::__private::stored_argument!(Query),
            ::functools::__private::Vec<::functools::__private::String>,
        ) as ::functools::__private::Returned>::Type: ::core::clone::Clone,
        for<'__lazy> <fn(
            &'static (),
        ) -> ::functools::__private::stored_result!(
            io::Result < Found >
        ) as ::functools::__private::Returned>::Type: ::core::clone::Clone,
    {
        Self::__memo(&()).handle().entries(|__key| __key)
    }
    #[doc(hidden)]
    pub(crate) fn __is_not_memoized_with_accessors<'a>(
        text: &'a str,
        __arg1: (f64, Query),
        __arg2: &&Query,
        words: &[&str],
    ) -> ::functools::__private::Later
    where
        'a: 'static,
    {
        use ::functools::__private::choices::*;
        Self::__memo(&())
            .handle()
            .later(
                (
                    text,
                    (
                        &__arg1.0,
                        (&&&&&&::functools::__private::SelectKey::shared(&__arg1.1))
                            .__key()
                            .__assumed(),
                    ),
                    (&&&&&&::functools::__private::SelectKey::shared(&(*(*__arg2))))
                        .__key()
                        .__assumed(),
                    words,
                ),
                |__key| Self::__memo(&()).handle().invalidate_owned(&__key),
            )
    }
}
