//! vm as its clients see it: on the real kernel core, with several programs that start, ask, share and die.

mod memory;
mod programs;
mod random;
mod services;
mod tasks;
