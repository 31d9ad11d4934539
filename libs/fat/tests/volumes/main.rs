//! Volumes from outside: against a model, against `fsck.fat` and mtools, with the power cut, and forged.

mod basic;
mod disk;
mod hostile;
mod images;
mod model;
mod order;
mod partitions;
mod power;
mod programs;
mod random;

/// Whether long forms are wanted: those of `cargo resea test --soak`.
fn long() -> bool {
    std::env::var_os(resea_tool::soak::LONG).is_some()
}
