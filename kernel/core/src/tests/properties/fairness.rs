//! Equals take turns whatever they do: compute, call a more important server that works for long, or yield to it.

extern crate std;

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use crate::DEFAULT_QUANTUM;
use crate::task::State;
use crate::tests::model::Outcome;
use crate::tests::requests::{call, info, receive, reply_receive};
use crate::tests::system::System;

/// The longest that a task computes, or the server works, at a stretch: 30 ms.
const LONGEST: u64 = 30_000_000;

proptest! {
    #[test]
    fn no_task_waits_for_longer_than_the_turns_of_its_equals(
        clients in 2usize..6,
        steps in prop::collection::vec((0..LONGEST, any::<bool>()), 1..150),
    ) {
        let mut system = System::new();
        let first = system.first;
        let server = system.spawn(first, 20, crate::tests::system::PEER);
        let tasks: Vec<_> = (0..clients).map(|_| system.spawn(first, 5, crate::tests::system::PEER)).collect();
        system.act(first, receive());
        system.act(server, receive());
        // Since when each has waited, and for how long it had been scheduled then.
        let mut waits = vec![(system.kernel.machine.now, 0); clients];
        // Its quantum, what the server works beyond it, and the stretch in which it is found to be over.
        let turn = DEFAULT_QUANTUM + 2 * LONGEST;
        for (duration, calls) in steps {
            let running = system.running();
            system.pass(duration);
            if let Some(Outcome { result: Ok(_), sender: Some(client), .. }) = system.outcome(server) {
                system.pass(duration);
                prop_assert_eq!(system.act(server, reply_receive(client, info(41))), None);
            } else if calls && let Some(task) = running.filter(|&task| system.running() == Some(task)) {
                system.act(task, call(server, info(40)));
            }
            let now = system.kernel.machine.now;
            for (&task, wait) in tasks.iter().zip(&mut waits) {
                let time = system.kernel.task(task.index()).time;
                if system.state(task) != State::Ready || system.running() == Some(task) || time != wait.1 {
                    *wait = (now, time);
                }
                prop_assert!(now - wait.0 <= clients as u64 * turn, "{} starves", task);
            }
        }
    }
}
