::core::compile_error! {
    "unknown option `maxsise`; the documentation of `#[cache]` lists the options"
}
#[async_trait]
impl<'a, T: Hash, K: Into<T>> shop::Prices<'a, K> for Shop<T>
where
    K: Debug,
{
    const LIMIT: usize = 8;
    type Out = u64;
    #[cfg(feature = "prices")]
    /// Documented.
    async fn price(&self, id: K) -> u64 {
        use ::functools::__private::choices::*;
        static __MEMO: ::functools::__private::Memo<
            (
                ::core::any::TypeId,
                (::functools::__private::Erased, ::functools::__private::Erased),
            ),
            u64,
            { ::functools::__private::UNBOUNDED },
        > = ::functools::__private::StaticCache::new();
        ::functools::__private::register! {
            (& __MEMO).handle(), false, "price", "price"
        }
        let __pending = match __MEMO
            .handle()
            .begin(
                (
                    &::functools::__private::identity(|| ()),
                    (
                        ::functools::__private::Erase(
                            ::functools::__private::SelfArgument::__allow(
                                (&&&&&&::functools::__private::SelectKey::shared(&(*self)))
                                    .__key(),
                            ),
                            ::functools::__private::Shared,
                        ),
                        ::functools::__private::Erase(
                            ::functools::__private::Argument::__allow(
                                (&&&&&&::functools::__private::SelectKey::shared(&id))
                                    .__key(),
                            ),
                            ::functools::__private::Shared,
                        ),
                    ),
                ),
                ::functools::__private::Plain,
                ::functools::__private::FlightOptions::SINGLE
                    .at(::functools::__private::site!("price")),
            )
        {
            ::functools::__private::CoalescedLookup::Hit(__hit)
            | ::functools::__private::CoalescedLookup::Stale(__hit, _) => return __hit,
            ::functools::__private::CoalescedLookup::Miss(__pending) => __pending,
        };
        __pending
            .run_async(
                ::functools::__private::Recompute,
                &::functools::__private::NoRemote,
                async move {
                    if let ::core::option::Option::Some(__result) = ::core::option::Option::None::<
                        u64,
                    > {
                        return __result;
                    }
                    let (id,): (K,) = (id,);
                    Self::Out::from(self.base + Self::LIMIT)
                },
                ::functools::__private::no_options,
            )
            .await
    }
    fn rate(&self, code: &'a str) -> u64 {
        let __looked = Self::__other_two_of_this_name_here_write_handle_on_one()
            .handle()
            .lookup(
                (&Self::__other_identity::<K>(), code),
                ::functools::__private::Plain,
            );
        match __looked {
            ::core::result::Result::Ok(__hit) => __hit,
            ::core::result::Result::Err(__miss) => {
                __miss.insert(Self::other_wrapped::<K>(self, code))
            }
        }
    }
}
#[cfg(feature = "prices")]
#[cache(__seen_by_memoize)]
const _: () = ();
#[lru_cache(__seen_by_memoize)]
const _: () = ();
const _: () = {
    use shop::Prices as _;
    #[allow(clippy::unnecessary_wraps)]
    impl<T: Hash> Shop<T> {
        #[doc(hidden)]
        fn __other_two_of_this_name_here_write_handle_on_one() -> &'static ::functools::__private::Memo<
            (::core::any::TypeId, ::functools::__private::String),
            u64,
            128,
        > {
            static __MEMO: ::functools::__private::Memo<
                (::core::any::TypeId, ::functools::__private::String),
                u64,
                128,
            > = ::functools::__private::StaticCache::new();
            ::functools::__private::register! {
                (& __MEMO).handle(), false, "other",
                "__other_two_of_this_name_here_write_handle_on_one"
            }
            &__MEMO
        }
        #[doc(hidden)]
        fn __other_identity<K: ?::core::marker::Sized>() -> ::core::any::TypeId {
            ::functools::__private::identity(|| ())
        }
        /// Calls the function itself, without the cache.
        pub(super) fn other_wrapped<'a, K: Into<T>>(&self, code: &'a str) -> u64
        where
            K: Debug,
        {
            self.rates.get::<<Self as shop::Prices<'a, K>>::Out>(code)
        }
        /// Returns the cache statistics: hits, misses, `maxsize` and the number of entries.
        pub(super) fn other_cache_info() -> ::functools::CacheInfo {
            Self::__other_two_of_this_name_here_write_handle_on_one().handle().info()
        }
        /// Returns further statistics, such as evictions, expiries and stale hits.
        pub(super) fn other_cache_stats() -> ::functools::CacheStats {
            Self::__other_two_of_this_name_here_write_handle_on_one().handle().stats()
        }
        /// Removes all entries and sets the statistics to zero.
        pub(super) fn other_cache_clear() {
            Self::__other_two_of_this_name_here_write_handle_on_one().handle().clear();
        }
        /// Returns the parameters of the cache: `maxsize` and `typed`.
        pub(super) fn other_cache_parameters() -> ::functools::CacheParameters {
            Self::__other_two_of_this_name_here_write_handle_on_one()
                .handle()
                .parameters(false)
        }
        /// Returns whether a result is cached for these arguments; this is neither a hit nor a miss.
        pub(super) fn other_cache_contains<'a, K: Into<T>>(
            code: &'a str,
        ) -> ::core::primitive::bool
        where
            K: Debug,
        {
            Self::__other_two_of_this_name_here_write_handle_on_one()
                .handle()
                .contains((&Self::__other_identity::<K>(), code))
        }
        /// Returns the cached result for these arguments; this is neither a hit nor a miss.
        pub(super) fn other_cache_peek<'a, K: Into<T>>(
            code: &'a str,
        ) -> ::core::option::Option<u64>
        where
            K: Debug,
        {
            Self::__other_two_of_this_name_here_write_handle_on_one()
                .handle()
                .peek(
                    (&Self::__other_identity::<K>(), code),
                    ::functools::__private::Plain,
                )
        }
        /// Stores a result for these arguments, as if the function had returned it.
        pub(super) fn other_cache_put<'a, K: Into<T>>(code: &'a str, new_result: u64)
        where
            K: Debug,
        {
            Self::__other_two_of_this_name_here_write_handle_on_one()
                .handle()
                .put(
                    (&Self::__other_identity::<K>(), code),
                    new_result,
                    ::functools::__private::Plain,
                );
        }
        /// Removes the cached result for these arguments, and returns whether there was one.
        pub(super) fn other_cache_invalidate<'a, K: Into<T>>(
            code: &'a str,
        ) -> ::core::primitive::bool
        where
            K: Debug,
        {
            Self::__other_two_of_this_name_here_write_handle_on_one()
                .handle()
                .invalidate((&Self::__other_identity::<K>(), code))
        }
        /// Calls the function, replaces the cached result, and returns the new one; this is a miss.
        pub(super) fn other_cache_refresh<'a, K: Into<T>>(&self, code: &'a str) -> u64
        where
            K: Debug,
        {
            let __miss = Self::__other_two_of_this_name_here_write_handle_on_one()
                .handle()
                .refresh(
                    (&Self::__other_identity::<K>(), code),
                    ::functools::__private::Plain,
                );
            __miss.insert(Self::other_wrapped::<K>(self, code))
        }
        /// Calls the function, and returns where the result comes from as well, and its age.
        pub(super) fn other_cache_call<'a, K: Into<T>>(
            &self,
            code: &'a str,
        ) -> ::functools::Cached<u64>
        where
            K: Debug,
        {
            let __miss = match Self::__other_two_of_this_name_here_write_handle_on_one()
                .handle()
                .lookup_observed(
                    (&Self::__other_identity::<K>(), code),
                    ::functools::__private::Plain,
                )
            {
                ::core::result::Result::Ok(__hit) => return __hit,
                ::core::result::Result::Err(__miss) => __miss,
            };
            ::functools::__private::computed(
                __miss.insert(Self::other_wrapped::<K>(self, code)),
            )
        }
        /// Returns the cached result if it was stored less than `age` ago, which is a hit; runs nothing.
        pub(super) fn other_cache_get_within<
            'a,
            K: Into<T>,
            Age: ::functools::__private::IntoSpan<::core::time::Duration>,
        >(age: Age, code: &'a str) -> ::core::option::Option<u64>
        where
            K: Debug,
        {
            Self::__other_two_of_this_name_here_write_handle_on_one()
                .handle()
                .get_within(
                    (&Self::__other_identity::<K>(), code),
                    ::functools::__private::Plain,
                    age,
                )
        }
        /// Changes the capacity, and evicts the entries that exceed it; `None` is unbounded, `0` stores nothing.
        pub(super) fn other_cache_resize<
            Size: ::core::convert::Into<::core::option::Option<::core::primitive::usize>>,
        >(maxsize: Size) {
            Self::__other_two_of_this_name_here_write_handle_on_one()
                .handle()
                .resize(maxsize);
        }
        /// Removes the entries for which the test of arguments and result returns `false`.
        pub(super) fn other_cache_retain<
            KeepIf: ::core::ops::FnMut(
                    &::functools::__private::String,
                    &u64,
                ) -> ::core::primitive::bool,
        >(mut keep_if: KeepIf) {
            Self::__other_two_of_this_name_here_write_handle_on_one()
                .handle()
                .retain(|__key, __value| keep_if(&__key.1, __value));
        }
        /// Returns copies of all entries: arguments, result and age. Counts nothing.
        pub(super) fn other_cache_entries() -> ::std::vec::Vec<
            ::functools::CacheEntry<::functools::__private::String, u64>,
        > {
            Self::__other_two_of_this_name_here_write_handle_on_one()
                .handle()
                .entries(|__key| &__key.1)
        }
        #[doc(hidden)]
        pub(super) fn __other_is_not_memoized_with_accessors<'a, K: Into<T>>(
            &self,
            code: &'a str,
        ) -> ::functools::__private::Later
        where
            K: Debug,
        {
            Self::__other_two_of_this_name_here_write_handle_on_one()
                .handle()
                .later(
                    (&Self::__other_identity::<K>(), code),
                    |__key| {
                        Self::__other_two_of_this_name_here_write_handle_on_one()
                            .handle()
                            .invalidate_owned(&__key)
                    },
                )
        }
    }
};
