//! What the second words of descriptors say: a received frame, a frame to send. Legacy descriptors only.

/// Most bytes of a frame without its checksum: what all that the device receives has to fit, with a VLAN tag (802.1Q).
pub const RECEIVE_MOST: usize = 1518;
/// Most bytes of a frame that is sent, without its checksum: 1500 bytes in an Ethernet header.
pub const TRANSMIT_MOST: usize = 1514;
/// Fewest bytes of a frame: its header.
pub const LEAST: usize = 14;

/// A descriptor that the device has received into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    /// A frame of so many bytes.
    Frame(usize),
    /// A frame that was damaged on its way; the device says so.
    Damaged,
    /// What no device of this kind says: so many bytes, the end of the frame or not.
    Impossible(usize, bool),
}

/// What a receive descriptor's second word says (manual 3.2.3): length in bits 15:0; status in 39:32, in it the end of the
/// packet in bit 33; errors in 47:40.
pub fn received(control: u64) -> Received {
    let (length, is_end, errors) =
        ((control & 0xffff) as usize, control & 1 << 33 != 0, (control >> 40) as u8);
    // Bits 5 and 6 tell of wrong checksums in IP and TCP; nobody has asked for those.
    match (is_end, errors & !0x60) {
        (true, 0) if (LEAST..=RECEIVE_MOST).contains(&length) => Received::Frame(length),
        // A frame shorter than a header, complete: not the device's fault.
        (true, _) if length <= RECEIVE_MOST => Received::Damaged,
        _ => Received::Impossible(length, is_end),
    }
}

/// The second word of the transmit descriptor of a frame of `length` bytes (manual 3.3.3): the command in bits 31:24 says
/// end of packet, insert the checksum, report the status. `None`: no frame has this length.
pub fn transmit(length: usize) -> Option<u64> {
    const COMMAND: u64 = 1 << 0 | 1 << 1 | 1 << 3;
    (LEAST..=TRANSMIT_MOST).contains(&length).then_some(length as u64 | COMMAND << 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: u64 = 3 << 32;

    #[test]
    fn frames_of_all_lengths_are_told_from_faults() {
        assert_eq!(received(END | 60), Received::Frame(60));
        assert_eq!(received(END | 14), Received::Frame(14));
        assert_eq!(received(END | 1518), Received::Frame(1518));
        assert_eq!(received(END | 13), Received::Damaged);
        assert_eq!(received(END | 1519), Received::Impossible(1519, true));
        assert_eq!(received(END | 0xffff), Received::Impossible(0xffff, true));
        assert_eq!(received(1 << 32 | 60), Received::Impossible(60, false));
        assert_eq!(received(END | 1 << 40 | 60), Received::Damaged, "a wrong checksum of the frame");
        assert_eq!(received(END | 0x60 << 40 | 60), Received::Frame(60), "of IP and TCP");
    }

    #[test]
    fn only_frames_are_sent() {
        assert_eq!(transmit(14), Some(0x0b00_000e));
        assert_eq!(transmit(1514), Some(0x0b00_05ea));
        assert_eq!((transmit(13), transmit(1515), transmit(0)), (None, None, None));
    }
}
