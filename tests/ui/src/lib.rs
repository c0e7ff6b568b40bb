//! Nothing in here: the tests are in `tests/`, the cases in `cases/`.
