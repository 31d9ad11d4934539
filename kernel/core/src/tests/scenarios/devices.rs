//! Interrupts and the console.

use abi::{ConsoleOperation, Error, IrqOperation, MAX_CONSOLE, NOTIFY_CONSOLE, Powers, Range, Rights};

use crate::tests::model::{IRQS, MESSAGES};
use crate::tests::requests::*;
use crate::tests::system::*;

const ACQUIRE: usize = IrqOperation::Acquire as usize;
const ACKNOWLEDGE: usize = IrqOperation::Acknowledge as usize;
const RELEASE: usize = IrqOperation::Release as usize;
const MESSAGE: usize = IrqOperation::Message as usize;
const WRITE: usize = ConsoleOperation::Write as usize;
const READ: usize = ConsoleOperation::Read as usize;

fn driver_rights(start: u64, end: u64) -> Rights {
    Rights { irqs: [Range { start, end }; 4], ..PEER }
}

#[test]
fn an_interrupt_is_masked_until_its_owner_acknowledges_it() {
    let (mut system, [driver]) = System::with([(5, driver_rights(4, 5))]);
    assert_eq!(system.act(driver, irq(ACQUIRE, 4, 0x900)), done(0));
    assert!(system.kernel.machine.irq_enabled[4]);
    system.act(driver, receive());
    system.kernel.interrupt(4);
    system.check();
    assert!(!system.kernel.machine.irq_enabled[4], "masked while the driver works");
    assert_eq!((system.outcome(driver), system.payload(driver)[0]), (notified(), 0x900));
    assert_eq!(system.act(driver, irq(ACKNOWLEDGE, 4, 0)), done(0));
    assert!(system.kernel.machine.irq_enabled[4]);
    assert_eq!(system.act(driver, irq(RELEASE, 4, 0)), done(0));
    assert!(!system.kernel.machine.irq_enabled[4]);
}

#[test]
fn an_interrupt_preempts_the_less_important() {
    let (mut system, [driver, worker]) = System::with([(9, driver_rights(0, 9)), (5, PEER)]);
    system.act(driver, irq(ACQUIRE, 3, 1));
    system.act(driver, receive());
    assert_eq!(system.running(), Some(worker));
    system.kernel.interrupt(3);
    assert_eq!(system.running(), Some(driver));
}

#[test]
fn an_interrupt_without_owner_is_masked() {
    let (mut system, []) = System::peers([]);
    system.kernel.machine.irq_enabled[7] = true;
    system.kernel.interrupt(7);
    system.check();
    assert!(!system.kernel.machine.irq_enabled[7]);
}

#[test]
fn an_irq_has_one_owner() {
    let rights = driver_rights(0, u64::MAX);
    let (mut system, [owner, other]) = System::with([(6, rights), (5, rights)]);
    system.act(owner, irq(ACQUIRE, 4, 1));
    assert_eq!(system.act(owner, irq(ACQUIRE, 4, 2)), done(0), "who may choose other bits");
    system.act(owner, receive());
    assert_eq!(system.act(other, irq(ACQUIRE, 4, 1)), failed(Error::AlreadyExists));
    for operation in [ACKNOWLEDGE, RELEASE] {
        assert_eq!(system.act(other, irq(operation, 4, 1)), failed(Error::NotPermitted), "not the owner");
        assert_eq!(system.act(other, irq(operation, 5, 1)), failed(Error::NotPermitted), "nobody's");
    }
}

#[test]
fn irqs_need_the_right() {
    let (mut system, [driver]) = System::with([(6, driver_rights(4, 6))]);
    for number in [3, 6, 256, usize::MAX] {
        assert_eq!(system.act(driver, irq(ACQUIRE, number, 1)), failed(Error::NotPermitted), "{number}");
    }
}

#[test]
fn irqs_that_do_not_exist_and_operations_are_refused() {
    let (mut system, [driver]) = System::with([(6, driver_rights(0, u64::MAX))]);
    for number in [IRQS, 255, 256, usize::MAX - 1] {
        assert_eq!(system.act(driver, irq(ACQUIRE, number, 1)), failed(Error::InvalidArgument), "{number}");
    }
    assert_eq!(system.act(driver, irq(ACQUIRE, 4, 0)), failed(Error::InvalidArgument), "no bits");
    for operation in [4, usize::MAX] {
        assert_eq!(system.act(driver, irq(operation, 4, 1)), failed(Error::InvalidArgument));
    }
}

#[test]
fn the_message_of_an_irq_is_told_to_whoever_has_the_right() {
    let rights = driver_rights(0, MESSAGES as u64 + 1);
    let (mut system, [owner, other]) = System::with([(6, rights), (5, rights)]);
    system.act(owner, irq(ACQUIRE, MESSAGES, 1));
    system.act(owner, receive());
    assert_eq!(system.act(other, irq(MESSAGE, MESSAGES, 0)), done(MESSAGES << 32 | 0xfee0_0000));
    assert!(system.kernel.machine.irq_enabled[MESSAGES], "asking changes nothing");
    assert_eq!(system.act(other, irq(MESSAGE, MESSAGES + 1, 0)), failed(Error::NotPermitted));
    assert_eq!(
        system.act(other, irq(MESSAGE, MESSAGES - 1, 0)),
        failed(Error::InvalidArgument),
        "it has a line"
    );
}

#[test]
fn everybody_may_write_to_the_console() {
    let (mut system, [task]) = System::with([(5, Rights::NONE)]);
    system.poke(task, BUFFER, b"hello\n");
    assert_eq!(system.act(task, console(WRITE, BUFFER, 6)), done(6));
    assert_eq!(system.console(), "hello\n");
    assert_eq!(system.act(task, console(WRITE, BUFFER, 9999)), done(MAX_CONSOLE), "some at a time");
    assert_eq!(system.act(task, console(WRITE, NOWHERE, 0)), done(0), "nothing needs no memory");
}

#[test]
fn input_waits_for_the_reader_and_wakes_it() {
    let (mut system, [reader]) = System::with([(5, peer_with(Powers::CONSOLE))]);
    b"ab".iter().for_each(|&byte| system.kernel.console_input(byte));
    assert_eq!(system.act(reader, console(READ, BUFFER, 1)), done(1));
    assert_eq!(system.act(reader, console(READ, BUFFER + 1, 100)), done(1));
    assert_eq!(system.peek(reader, 2), b"ab");
    assert_eq!(system.act(reader, console(READ, BUFFER, 100)), done(0), "nothing is left");
    system.act(reader, receive());
    system.kernel.console_input(b'c');
    assert_eq!((system.outcome(reader), system.payload(reader)[0]), (notified(), NOTIFY_CONSOLE as u64));
}

#[test]
fn input_survives_a_reader_whose_buffer_has_to_be_paged_in() {
    let (mut system, [reader]) = System::with([(5, peer_with(Powers::CONSOLE))]);
    system.kernel.console_input(b'a');
    assert_eq!(system.act(reader, console(READ, NOWHERE, 1)), None, "a page fault");
    let first = system.first;
    system.act(first, reply_receive(reader, info(0)));
    assert_eq!(system.act(reader, console(READ, BUFFER, 1)), done(1));
    assert_eq!(system.peek(reader, 1), b"a");
}

#[test]
fn input_that_nobody_reads_is_lost_past_the_buffer() {
    let (mut system, [reader]) = System::with([(5, peer_with(Powers::CONSOLE))]);
    (0..5000).for_each(|_| system.kernel.console_input(b'x'));
    let mut read = 0;
    while let Some(crate::tests::model::Outcome { result: Ok(count @ 1..), .. }) =
        system.act(reader, console(READ, BUFFER, 200))
    {
        read += count;
    }
    assert_eq!(read, 1024);
}

#[test]
fn the_last_to_read_is_the_reader() {
    let rights = peer_with(Powers::CONSOLE);
    let (mut system, [one, two]) = System::with([(6, rights), (5, rights)]);
    system.act(one, console(READ, BUFFER, 1));
    system.act(one, receive());
    system.act(two, console(READ, BUFFER, 1));
    system.act(two, receive());
    system.kernel.console_input(b'x');
    assert_eq!((system.outcome(one), system.outcome(two)), (None, notified()));
}

#[test]
fn reading_needs_the_power_and_operations_are_checked() {
    let (mut system, [task]) = System::with([(5, peer_with(Powers(!Powers::CONSOLE.0)))]);
    assert_eq!(system.act(task, console(READ, BUFFER, 1)), failed(Error::NotPermitted));
    for operation in [2, usize::MAX] {
        assert_eq!(system.act(task, console(operation, BUFFER, 1)), failed(Error::InvalidArgument));
    }
}
