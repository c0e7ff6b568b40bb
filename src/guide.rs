//! The guide: how to use this crate, by subject. It has no code.
//!
//! The pages are those of `docs/guide` in the repository. The code in them is compiled and run by the package `tests`.

/// Includes a page, behind the targets of its links and pictures in this documentation.
macro_rules! page {
    ($name:ident, $file:literal $(, $pictures:literal)?) => {
        #[doc = include_str!("../docs/guide/links.md")]
        $(#[doc = include_str!(concat!("../docs/guide/", $pictures))])?
        #[doc = include_str!(concat!("../docs/guide/src/", $file))]
        pub mod $name {}
    };
}

page!(getting_started, "getting-started.md");
page!(keys, "keys.md");
page!(results_and_errors, "results-and-errors.md");
page!(expiry_and_staleness, "expiry-and-staleness.md");
page!(eviction_and_sizing, "eviction-and-sizing.md", "curves.md");
page!(choosing_maxsize_and_policy, "choosing-maxsize-and-policy.md", "curves.md");
page!(concurrency_and_single_flight, "concurrency-and-single-flight.md");
page!(methods_generics_traits, "methods-generics-traits.md");
page!(async_functions, "async.md");
page!(batches, "batches.md");
page!(objects, "objects.md");
page!(backends, "backends.md");
page!(invalidation, "invalidation.md");
page!(observability, "observability.md");
page!(testing, "testing.md");
page!(performance, "performance.md");
page!(compiler_errors, "compiler-errors.md");
page!(migrating, "migrating.md");
page!(what_others_are_asked_for, "what-others-are-asked-for.md");
page!(compatibility, "compatibility.md");
page!(stability, "stability.md");
page!(reference, "reference.md");
