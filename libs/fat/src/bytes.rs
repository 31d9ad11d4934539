//! Numbers in little-endian bytes. What lies past the end of the bytes reads as 0 and is not written.

/// The two bytes at `at`.
pub(crate) fn get16(bytes: &[u8], at: usize) -> u16 {
    match bytes.get(at..at + 2) {
        Some(&[low, high]) => u16::from_le_bytes([low, high]),
        _ => 0,
    }
}

/// The four bytes at `at`.
pub(crate) fn get32(bytes: &[u8], at: usize) -> u32 {
    u32::from(get16(bytes, at)) | u32::from(get16(bytes, at + 2)) << 16
}

/// The eight bytes at `at`.
pub(crate) fn get64(bytes: &[u8], at: usize) -> u64 {
    u64::from(get32(bytes, at)) | u64::from(get32(bytes, at + 4)) << 32
}

/// Puts `data` to `at`.
pub(crate) fn put(bytes: &mut [u8], at: usize, data: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + data.len()) {
        place.copy_from_slice(data);
    }
}

/// Puts two bytes to `at`.
pub(crate) fn put16(bytes: &mut [u8], at: usize, value: u16) {
    put(bytes, at, &value.to_le_bytes());
}

/// Puts four bytes to `at`.
pub(crate) fn put32(bytes: &mut [u8], at: usize, value: u32) {
    put(bytes, at, &value.to_le_bytes());
}
