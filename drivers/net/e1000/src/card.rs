//! The card as a whole: reset, address, link, interrupts, starting its rings. All of it registers, nothing of it memory.
//!
//! Follows chapter 14 of the manual, "General Initialization and Reset Operation".

use crate::registers::*;
use crate::ring::RING_SIZE;
use core::fmt;

/// The registers of a card, of 32 bits each, by their offset.
pub trait Registers {
    /// Reads one.
    fn read(&self, offset: usize) -> u32;
    /// Writes one.
    fn write(&self, offset: usize, value: u32);
    /// Waits a little: some microseconds.
    fn pause(&self);
}

/// How often the card is asked whether it is ready, with a pause of microseconds in between.
const PATIENCE: usize = 20_000;

/// The card does not work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CardError {
    /// All registers read as ones: it is not there (any more).
    Gone,
    /// It does not come out of reset.
    InReset,
    /// It has no valid address of its own: this one was read.
    Address([u8; 6]),
}

impl fmt::Display for CardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => write!(f, "the card does not answer: all its registers read as ones"),
            Self::InReset => write!(f, "the card does not come out of reset"),
            Self::Address(address) => {
                write!(f, "the card has no address of its own, but {address:02x?}; its EEPROM may be empty")
            }
        }
    }
}

impl core::error::Error for CardError {}

/// A card. Knows only its registers.
pub struct Card<R> {
    registers: R,
}

impl<R: Registers> Card<R> {
    /// The card behind these registers. Nothing is done to it yet.
    pub const fn new(registers: R) -> Self {
        Self { registers }
    }

    /// Resets the card, so that it neither interrupts nor accesses memory; returns its address (14.3, 14.4).
    ///
    /// Errors: all of [`CardError`].
    pub fn reset(&self) -> Result<[u8; 6], CardError> {
        let card = &self.registers;
        if card.read(STATUS) == u32::MAX {
            return Err(CardError::Gone);
        }
        card.write(IMC, u32::MAX);
        card.write(RCTL, 0);
        card.write(TCTL, 0);
        card.write(CTRL, card.read(CTRL) | CTRL_RST);
        // It must not be asked earlier than a microsecond after (13.4.1).
        card.pause();
        self.wait(|| card.read(CTRL) & CTRL_RST == 0).ok_or(CardError::InReset)?;
        card.write(IMC, u32::MAX);
        card.read(ICR);
        let address = self.address();
        if is_own(address) { Ok(address) } else { Err(CardError::Address(address)) }
    }

    /// Starts receiving, sending and interrupting, with rings at these physical addresses, both empty (14.4, 14.5).
    pub fn start(&self, receive: u64, transmit: u64) {
        let card = &self.registers;
        FLOW_CONTROL.iter().for_each(|register| card.write(*register, 0));
        card.write(CTRL, (card.read(CTRL) | CTRL_ASDE | CTRL_SLU) & !CTRL_CLEAR);
        (0..MTA_COUNT).for_each(|index| card.write(MTA + 4 * index, 0));
        // Each interrupt is masked until the driver has looked, so that many packets become one anyway: no throttling.
        card.write(ITR, 0);
        RECEIVE_DELAYS.iter().for_each(|register| card.write(*register, 0));
        for (ring, address) in [(RECEIVE, receive), (TRANSMIT, transmit)] {
            card.write(ring.low, address as u32);
            card.write(ring.high, (address >> 32) as u32);
            card.write(ring.length, RING_SIZE as u32);
            card.write(ring.head, 0);
            card.write(ring.tail, 0);
        }
        card.write(TIPG, TIPG_COPPER);
        card.write(TCTL, TCTL_ON);
        card.write(RCTL, RCTL_ON);
        card.write(IMS, CAUSE_LSC | CAUSE_RXO | CAUSE_RXT0);
    }

    /// Lets the card receive into the descriptors before this one.
    pub fn set_receive_tail(&self, tail: u32) {
        self.registers.write(RECEIVE.tail, tail);
    }

    /// Lets the card send the descriptors before this one.
    pub fn set_transmit_tail(&self, tail: u32) {
        self.registers.write(TRANSMIT.tail, tail);
    }

    /// Whether the card interrupts when it has sent. If it has sent since it was last asked why it interrupts, it does so
    /// at once.
    pub fn interrupt_when_sent(&self, interrupt: bool) {
        self.registers.write(if interrupt { IMS } else { IMC }, CAUSE_TXDW);
    }

    /// Takes note of why the card interrupts: after this it does not, until there is something new. True: the link has
    /// changed.
    pub fn take_causes(&self) -> bool {
        self.registers.read(ICR) & CAUSE_LSC != 0
    }

    /// Whether the cable is plugged in and the other side is there.
    pub fn link(&self) -> bool {
        self.registers.read(STATUS) & STATUS_LU != 0
    }

    /// Frames that were lost since no buffer was free, since this was last asked.
    pub fn take_lost(&self) -> u32 {
        self.registers.read(MPC)
    }

    /// Frames that came damaged, since this was last asked.
    pub fn take_damaged(&self) -> u32 {
        let counts = FAULTY_FRAMES.iter().map(|register| self.registers.read(*register));
        counts.fold(0, u32::saturating_add)
    }

    /// The address that the card has loaded from its EEPROM by itself (5.6.1); if it has not, it is read from there.
    fn address(&self) -> [u8; 6] {
        let card = &self.registers;
        let read = || (card.read(RAL), card.read(RAH));
        let loaded = |(low, high): (u32, u32)| {
            let ([a, b, c, d], [e, f, ..]) = (low.to_le_bytes(), high.to_le_bytes());
            (high & RAH_VALID != 0).then_some([a, b, c, d, e, f]).filter(|address| is_own(*address))
        };
        if let Some(address) = loaded(read()) {
            return address;
        }
        let [[a, b], [c, d], [e, f]] = [0, 1, 2].map(|word| self.eeprom(word).to_le_bytes());
        card.write(RAL, u32::from_le_bytes([a, b, c, d]));
        card.write(RAH, u32::from_le_bytes([e, f, 0, 0]) | RAH_VALID);
        [a, b, c, d, e, f]
    }

    /// A word of the EEPROM (13.4.4); 0 if it cannot be read.
    fn eeprom(&self, word: u32) -> u16 {
        let card = &self.registers;
        card.write(EERD, EERD_START | word << 8);
        match self.wait(|| card.read(EERD) & EERD_DONE != 0) {
            Some(()) => (card.read(EERD) >> 16) as u16,
            None => 0,
        }
    }

    /// Waits until `is_ready`, but not for ever.
    fn wait(&self, is_ready: impl Fn() -> bool) -> Option<()> {
        (0..PATIENCE).find_map(|_| {
            let ready = is_ready();
            if !ready {
                self.registers.pause();
            }
            ready.then_some(())
        })
    }
}

/// Whether a card can have this address: neither nobody's nor a group's.
fn is_own(address: [u8; 6]) -> bool {
    address != [0; 6] && address[0] & 1 == 0
}
