//! Timers against a list of deadlines.

use proptest::prelude::*;
use resea::{Error, Timers};

#[derive(Clone, Debug)]
enum Operation {
    Set { after: u64, key: u8 },
    Cancel { key: u8 },
    Pass { time: u64 },
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => (0..100_u64, 0..12_u8).prop_map(|(after, key)| Operation::Set { after, key }),
        1 => (0..12_u8).prop_map(|key| Operation::Cancel { key }),
        2 => (0..60_u64).prop_map(|time| Operation::Pass { time }),
    ]
}

proptest! {
    #[test]
    fn timers_expire_in_order_and_the_kernels_is_set_for_the_next(
        operations in prop::collection::vec(operation(), 1..150)
    ) {
        let kernel = ipc::host::Loopback::new();
        let _installed = ipc::host::install(kernel.clone());
        let mut timers = Timers::<u8, 8>::new();
        // Deadline, order of setting, key.
        let mut model: Vec<(u64, usize, u8)> = Vec::new();
        let mut now = 0;
        for (order, operation) in operations.into_iter().enumerate() {
            match operation {
                Operation::Set { after, key } => {
                    model.retain(|timer| timer.2 != key);
                    let result = timers.set(after, key);
                    if model.len() == 8 {
                        prop_assert_eq!(result, Err(Error::TableFull));
                    } else {
                        prop_assert_eq!(result, Ok(()));
                        model.push((now + after, order, key));
                    }
                }
                Operation::Cancel { key } => {
                    prop_assert_eq!(timers.cancel(key), model.iter().any(|timer| timer.2 == key));
                    model.retain(|timer| timer.2 != key);
                }
                Operation::Pass { time } => {
                    now += time;
                    kernel.set_clock(now);
                    let expired: Vec<u8> = std::iter::from_fn(|| timers.expired()).collect();
                    model.sort();
                    let expected: Vec<u8> =
                        model.extract_if(.., |timer| timer.0 <= now).map(|timer| timer.2).collect();
                    prop_assert_eq!(expired, expected);
                    let next = model.iter().map(|timer| timer.0).min();
                    prop_assert_eq!(kernel.timer_set(), next.map_or(0, |next| next - now));
                }
            }
            prop_assert_eq!(timers.len(), model.len());
            prop_assert_eq!(timers.next_deadline(), model.iter().map(|timer| timer.0).min());
        }
    }
}
