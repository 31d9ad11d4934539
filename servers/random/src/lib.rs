//! The service `random`: random numbers that nobody can guess, made by ChaCha20 from a key that is never used twice.
//!
//! * [`Generator`]: the key, and what it makes. It is deterministic; what cannot be guessed comes from outside.
//! * [`seed`]: where that comes from: the processor, or how long the clock takes. The log says which it was, and warns if
//!   the numbers can be guessed.
//!
//! Before each request something unpredictable is stirred into the key; after it the key is replaced (fast key erasure). So
//! who learns the key later, learns nothing about numbers given out before. Nothing is ever written anywhere: each
//! start of the machine, and of the server, begins from what it is seeded with.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod generator;
pub mod seed;

pub use generator::Generator;

use interfaces::random::{self, BYTES_MAX};
use ipc::{Error, TaskId, WriteLend};
use zeroize::Zeroize;

/// The server.
pub struct Random {
    generator: Generator,
}

impl Random {
    /// A server with a seeded generator; the log says what it was seeded from.
    pub fn seeded() -> Self {
        let mut generator = Generator::default();
        match seed::gather(&mut generator, ipc::hardware_random, ipc::clock) {
            seed::Source::Processor => resea::info!("seeded by the processor's source of random numbers"),
            seed::Source::Clock => resea::info!(
                "seeded by how long {} steps took: the processor has no source of random numbers",
                seed::JITTER_SAMPLES
            ),
            seed::Source::Guessable => resea::warn!(
                "the numbers can be guessed: the processor has no source of random numbers, and its clock ticks \
                 evenly; do not use them for secrets"
            ),
        }
        Self { generator }
    }
}

impl ipc::server::Events for Random {}

impl random::Server for Random {
    fn read(&mut self, _: TaskId, room: WriteLend<'_>) -> Result<usize, Error> {
        let mut buffer = [0; BYTES_MAX];
        let bytes = buffer.get_mut(..room.len()).ok_or(Error::TooLarge)?;
        seed::refresh(&mut self.generator, ipc::hardware_random, ipc::clock);
        self.generator.fill(bytes);
        let written = room.write(0, bytes);
        bytes.zeroize();
        written.map(|()| room.len())
    }
}

/// Serves for ever.
pub fn run() -> Result<resea::Never, resea::ServeError> {
    resea::serve(random::NAME, random::dispatch, Random::seeded())
}
