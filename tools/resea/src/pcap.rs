//! Reads the packets that QEMU has written into a file (libpcap's format of microseconds, in the host's byte order).

use std::path::Path;

use anyhow::{Context, Result, bail};

/// The first word of a file.
const MAGIC: u32 = 0xa1b2_c3d4;
/// Bytes of the file's header, and of that of each packet.
const HEADER: usize = 24;
const RECORD: usize = 16;
/// How the addresses of QEMU's own router and servers begin.
const ROUTER: [u8; 2] = [0x52, 0x55];

/// A packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet {
    /// When it passed, in microseconds of the guest's time.
    pub time: u64,
    /// The frame, from its destination address on.
    pub frame: Vec<u8>,
    /// Where it ends in the file.
    pub end: u64,
}

impl Packet {
    /// Whether the guest has sent it.
    pub fn from_guest(&self) -> bool {
        self.frame.get(6..8).is_some_and(|source| source != ROUTER)
    }
}

/// All packets of a file that may still be written to.
///
/// # Errors
///
/// If the file cannot be read, or is none of packets.
pub fn read(file: &Path) -> Result<Vec<Packet>> {
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    if word(&bytes, 0) != Some(MAGIC) {
        bail!("{} is not a file of packets", file.display());
    }
    Ok(parse(&bytes))
}

/// The whole packets after the file's header.
fn parse(bytes: &[u8]) -> Vec<Packet> {
    let (mut packets, mut place) = (Vec::new(), HEADER);
    while let (Some(seconds), Some(micros), Some(length)) =
        (word(bytes, place), word(bytes, place + 4), word(bytes, place + 8))
    {
        let end = place + RECORD + length as usize;
        let Some(frame) = bytes.get(place + RECORD..end) else { break };
        let time = u64::from(seconds) * 1_000_000 + u64::from(micros);
        packets.push(Packet { time, frame: frame.to_vec(), end: end as u64 });
        place = end;
    }
    packets
}

fn word(bytes: &[u8], place: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(place..place + 4)?.try_into().ok()?))
}

/// The longest time between two packets of the guest that follow each other, of those that end after `from` in the file and up
/// to `to`, in microseconds.
pub fn longest_silence(packets: &[Packet], from: u64, to: u64) -> Option<u64> {
    let sent: Vec<_> = packets.iter().filter(|packet| packet.from_guest()).collect();
    let pairs = sent.windows(2).filter(|pair| from < pair[1].end && pair[1].end <= to);
    pairs.map(|pair| pair[1].time.saturating_sub(pair[0].time)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(time: u32, source: u8) -> Vec<u8> {
        let mut bytes = [time / 1_000_000, time % 1_000_000, 14, 14].map(u32::to_ne_bytes).concat();
        bytes.extend([0, 0, 0, 0, 0, 0, 0x52, source, 0, 0, 0, 0, 8, 0]);
        bytes
    }

    #[test]
    fn packets_are_read_up_to_one_that_is_not_whole() {
        let mut bytes = vec![0; HEADER];
        let times = [(1_500_000, 0x54), (1_600_000, 0x55), (1_900_000, 0x54), (2_000_000, 0x54)];
        times.iter().for_each(|(time, source)| bytes.extend(record(*time, *source)));
        bytes.extend([9; 20]);
        let packets = parse(&bytes);
        assert_eq!(packets.len(), 4);
        assert_eq!(
            (packets[0].time, packets[0].from_guest(), packets[1].from_guest()),
            (1_500_000, true, false)
        );
        assert_eq!(longest_silence(&packets, 0, u64::MAX), Some(400_000));
        assert_eq!(longest_silence(&packets, packets[2].end, u64::MAX), Some(100_000));
        assert_eq!(longest_silence(&packets, packets[3].end, u64::MAX), None);
    }
}
