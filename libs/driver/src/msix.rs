//! The table of messages of a device with MSI-X (PCI local bus specification 3.0, 6.8.2). It lies in the device's own
//! memory, so its driver fills it; dm has enabled it.

use crate::Registers;
use ipc::Error;

/// Bytes of an entry: address, its upper half, data, control.
const ENTRY: usize = 16;
/// Most entries.
const MOST: usize = 2048;

/// Makes every entry send the message `data` to `address`, and unmasks it. `table` begins with the table.
///
/// Errors: `OutOfBounds` (so many entries are not in these registers, or in any table).
pub fn fill(table: &Registers, vectors: usize, address: u64, data: u32) -> Result<(), Error> {
    if vectors > MOST || vectors * ENTRY > table.size() {
        return Err(Error::OutOfBounds);
    }
    for entry in (0..vectors).map(|index| index * ENTRY) {
        let words = [address as u32, (address >> 32) as u32, data, 0];
        // In this order: the entry is masked until the rest of it is there.
        for (index, word) in words.into_iter().enumerate() {
            table.write32(entry + index * 4, word);
        }
    }
    Ok(())
}
