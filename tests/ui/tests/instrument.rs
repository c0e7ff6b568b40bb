//! `#[tracing::instrument]` below `#[lru_cache]`: a span for each miss, under the function's name.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use functools::lru_cache;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static SPANS: AtomicU64 = AtomicU64::new(0);

/// Counts the spans of `price`.
struct Counting;

impl Subscriber for Counting {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        assert_eq!(span.metadata().name(), "price");
        Id::from_u64(SPANS.fetch_add(1, Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[lru_cache]
#[tracing::instrument]
fn price(symbol: &str) -> Option<u64> {
    Some(symbol.len() as u64)
}

#[test]
fn a_span_is_entered_on_misses_only() {
    tracing::subscriber::with_default(Counting, || {
        assert_eq!((price("abc"), price("abc"), price("de")), (Some(3), Some(3), Some(2)));
    });
    assert_eq!(SPANS.load(Relaxed), 2);
}
