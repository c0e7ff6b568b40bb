//! Nothing in here: the test is in `tests/`, the cases in `cases/`.
