//! The iterator over the entries of a cache object.

use core::fmt;

/// An iterator over copies of the entries of a cache, returned by [`Cache::iter`](crate::Cache::iter).
#[derive(Clone)]
pub struct CacheIter<K, V>(pub(super) std::vec::IntoIter<(K, V)>);

impl<K, V> Iterator for CacheIter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, V> DoubleEndedIterator for CacheIter<K, V> {
    fn next_back(&mut self) -> Option<(K, V)> {
        self.0.next_back()
    }
}

impl<K, V> ExactSizeIterator for CacheIter<K, V> {}
impl<K, V> core::iter::FusedIterator for CacheIter<K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for CacheIter<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.as_slice()).finish()
    }
}
