//! Each mistake, and what the compiler says to it, to the letter.
//!
//! `TRYBUILD=overwrite cargo test -p ui-tests` writes the `.stderr` files anew: read them before
//! committing them. Another compiler than the one that wrote them may use other words, so there
//! the test is ignored, and says so.

#[test]
#[cfg_attr(not(recorded_compiler), ignore = "the exact words are those of rustc 1.95")]
fn every_mistake_is_reported_in_our_words() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}

#[test]
fn unsafe_functions_stay_unsafe() {
    trybuild::TestCases::new().pass("pass/*.rs");
}
