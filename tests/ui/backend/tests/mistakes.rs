//! Each mistake with a backend, and what the compiler says to it: see the tests without one.

#[test]
#[cfg_attr(not(recorded_compiler), ignore = "the exact words are those of rustc 1.95")]
fn every_mistake_is_reported_in_our_words() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}
