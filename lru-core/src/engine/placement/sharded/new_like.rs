//! Empty shards of the same settings, for isolated tests.

use super::Shards;
use crate::engine::lock::SelectLock;
use crate::engine::placement::Placement;
use crate::engine::placement::isolation::NewLike;
use crate::engine::placement::shard_lock::SelectShardLock;
use crate::store::CacheTypes;
use crate::store::maxsize::Capacity;

impl<C: CacheTypes, const N: usize> NewLike for Shards<C, N> {
    fn new_like(&self) -> Self {
        Self::new(self.maxsize).of_capacity(*self.resized.lock())
    }
}

impl<C: CacheTypes<Key: Clone, Value: Clone>, const N: usize> NewLike for Shards<C, N, true> {
    fn new_like(&self) -> Self {
        Self::callback_free(self.maxsize).of_capacity(*self.resized.lock())
    }
}

impl<C: CacheTypes, const N: usize, const CALLBACK_FREE: bool> Shards<C, N, CALLBACK_FREE>
where
    SelectLock<CALLBACK_FREE>: SelectShardLock,
{
    /// Sets the capacity of empty shards.
    fn of_capacity(self, resized: Option<Capacity>) -> Self {
        if let Some(Capacity(maxsize)) = resized {
            self.resize(maxsize, |engine, capacity| engine.set_capacity(capacity()));
        }
        self
    }
}
