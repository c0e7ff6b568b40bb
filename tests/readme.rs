//! The code of the README and of the guide, compiled and run by `cargo test --doc` if every feature that it shows is on.

/// Compiles and runs the code in a document.
macro_rules! document {
    ($name:ident, $file:literal) => {
        #[cfg(all(
            doctest,
            feature = "axum",
            feature = "disk",
            feature = "memcached",
            feature = "metrics",
            feature = "redis",
            feature = "testing",
            feature = "tracing"
        ))]
        #[doc = include_str!(concat!("../", $file))]
        mod $name {}
    };
}

document!(readme, "README.md");
document!(getting_started, "docs/guide/src/getting-started.md");
document!(keys, "docs/guide/src/keys.md");
document!(results_and_errors, "docs/guide/src/results-and-errors.md");
document!(expiry_and_staleness, "docs/guide/src/expiry-and-staleness.md");
document!(eviction_and_sizing, "docs/guide/src/eviction-and-sizing.md");
document!(choosing_maxsize_and_policy, "docs/guide/src/choosing-maxsize-and-policy.md");
document!(concurrency_and_single_flight, "docs/guide/src/concurrency-and-single-flight.md");
document!(methods_generics_traits, "docs/guide/src/methods-generics-traits.md");
document!(async_functions, "docs/guide/src/async.md");
document!(batches, "docs/guide/src/batches.md");
document!(objects, "docs/guide/src/objects.md");
document!(backends, "docs/guide/src/backends.md");
document!(invalidation, "docs/guide/src/invalidation.md");
document!(observability, "docs/guide/src/observability.md");
document!(testing, "docs/guide/src/testing.md");
document!(performance, "docs/guide/src/performance.md");
document!(compiler_errors, "docs/guide/src/compiler-errors.md");
document!(migrating, "docs/guide/src/migrating.md");
document!(what_others_are_asked_for, "docs/guide/src/what-others-are-asked-for.md");
