//! Class codes in words (PCI code and ID assignment specification, 1).

use alloc::format;
use alloc::string::String;

/// What a class code means. `code`: class, subclass and programming interface, 8 bits each.
pub fn words(code: u32) -> String {
    let (class, subclass) = (code >> 16 & 0xff, code >> 8 & 0xff);
    let words = match (class, subclass) {
        (0x00, 0x01) => "VGA display (old)",
        (0x00, _) => "old device",
        (0x01, 0x00) => "SCSI disks",
        (0x01, 0x01) => "IDE disks",
        (0x01, 0x02) => "floppy disks",
        (0x01, 0x04) => "RAID disks",
        (0x01, 0x06) => "SATA disks",
        (0x01, 0x07) => "SAS disks",
        (0x01, 0x08) => "NVMe disks",
        (0x01, _) => "disks",
        (0x02, 0x00) => "Ethernet",
        (0x02, _) => "network",
        (0x03, 0x00) => "VGA display",
        (0x03, _) => "display",
        (0x04, 0x01 | 0x03) => "audio",
        (0x04, 0x00) => "video",
        (0x04, _) => "multimedia",
        (0x05, _) => "memory",
        (0x06, 0x00) => "host bridge",
        (0x06, 0x01) => "ISA bridge",
        (0x06, 0x04) => "PCI bridge",
        (0x06, 0x07) => "CardBus bridge",
        (0x06, _) => "bridge",
        (0x07, 0x00) => "serial line",
        (0x07, 0x01) => "parallel port",
        (0x07, _) => "communication",
        (0x08, 0x00) => "interrupt controller",
        (0x08, 0x01) => "DMA controller",
        (0x08, 0x02 | 0x03) => "clock",
        (0x08, 0x05) => "SD cards",
        (0x08, 0x06) => "IOMMU",
        (0x08, _) => "system device",
        (0x09, _) => "input",
        (0x0c, 0x00) => "FireWire",
        (0x0c, 0x03) => "USB",
        (0x0c, 0x05) => "SMBus",
        (0x0c, _) => "serial bus",
        (0x0d, _) => "wireless",
        (0x0f, _) => "satellite",
        (0x10, _) => "encryption",
        (0x11, _) => "signals",
        (0x12, _) => "accelerator",
        (0xff, _) => "other",
        _ => return format!("class {:04x}", code >> 8 & 0xffff),
    };
    words.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_classes_have_words_and_others_their_number() {
        assert_eq!(words(0x02_00_00), "Ethernet");
        assert_eq!(words(0x06_04_01), "PCI bridge");
        assert_eq!(words(0x06_99_00), "bridge");
        assert_eq!(words(0x42_01_05), "class 4201");
    }
}
