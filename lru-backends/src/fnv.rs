//! FNV-1a: a hash that is the same on all machines and in all versions.

/// FNV-1a with 64 bits.
pub(crate) fn fnv_64<'b>(bytes: impl IntoIterator<Item = &'b u8>) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3);
    bytes.into_iter().fold(0xCBF2_9CE4_8422_2325, step)
}
