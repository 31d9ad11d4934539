//! The calls of a pager, made by one: what they do, and everything that is refused.

use super::ipc::info;
use crate::kit::{Ending, Failure, Kit, Outcome, ensure, equal, refused};
use crate::pager::{
    CODE, USER_END, destroy, map_with_tables, parameters, report, task_of, unmapped, with_child,
};
use crate::raw::{self, Child, PAGE, Spare};
use abi::{
    Access, Error, MESSAGE_PAGE, MapFlags, Policy, Powers, Range, Rights, ServiceSet, TaskCreate, kind,
};

/// Far from everything: no level of the page table is there.
const FAR: usize = 0x20_0000_0000;
/// Addresses of no user memory: its last page, non-canonical ones, the kernel's.
const NOT_USER: [usize; 6] = [
    USER_END,
    0x8000_0000_0000,
    0xffff_7fff_ffff_f000,
    0xffff_8000_0000_0000,
    0xffff_ffff_8010_0000,
    usize::MAX - 4095,
];
/// The kernel is loaded at 1 MiB.
const KERNEL: usize = 0x10_0000;
/// The text screen's memory: a device that this program has no right to.
const SCREEN: usize = 0xb_8000;
/// The local APIC: the kernel's own.
const INTERRUPTS: usize = 0xfee0_0000;
/// Not even a physical address.
const NOWHERE: usize = 1 << 52;

/// `exit(argument, 0)`, and an undefined instruction: `mov eax, 12; xor esi, esi; syscall; ud2`.
const EXIT: [u64; 2] = [0x0ff6_3100_0000_0cb8, 0x000b_0f05];
/// An endless loop: `jmp $`.
const SPIN: [u64; 1] = [0xfeeb];

/// As this program wants its children scheduled: priority, quantum, policy, affinity.
const ORDINARY: [usize; 4] = [8, 0, Policy::Refill as usize, 1];

pub fn out_of_range_priority_is_refused(kit: &mut Kit) -> Outcome {
    const BAD: [usize; 9] = [32, 33, 63, 64, 255, 256, 1 << 31, 1 << 32, usize::MAX];
    with_child(|child| {
        for priority in BAD {
            let result = child.schedule([priority, 0, 0, 1]);
            refused(format_args!("priority {priority}"), result, Error::InvalidArgument)?;
        }
        (0..abi::PRIORITIES).try_for_each(|priority| child.schedule([priority, 0, 0, 1]).map(drop))?;
        // Now that it is started and waits for its page, too.
        report(child, kind::PAGE_FAULT, CODE as u64, Access::EXECUTE.0)?;
        for priority in BAD {
            let result = child.schedule([priority, 0, 0, 1]);
            refused(format_args!("priority {priority}, started"), result, Error::InvalidArgument)?;
        }
        Ok(())
    })?;
    // Of a task that is not its own, the numbers are not even looked at.
    let stranger = kit.child(&["idle"])?;
    for task in [stranger.raw(), kit.own_id()] {
        for priority in BAD {
            let result = raw::plain(abi::Syscall::Schedule as usize, [task, priority, 0, 0, 1]);
            refused(format_args!("priority {priority}, no child"), result, Error::NotPermitted)?;
        }
    }
    kit.kill(stranger)
}

pub fn out_of_range_scheduling_is_refused(_: &mut Kit) -> Outcome {
    with_child(|child| {
        for quantum in [1, 2, 1000, 99_999] {
            let result = child.schedule([8, quantum, 0, 1]);
            refused(format_args!("quantum {quantum}"), result, Error::InvalidArgument)?;
        }
        for policy in [2, 3, 256, 1 << 32, usize::MAX] {
            let result = child.schedule([8, 0, policy, 1]);
            refused(format_args!("policy {policy}"), result, Error::InvalidArgument)?;
        }
        for affinity in [0, 2, 1 << 63, usize::MAX - 1] {
            let result = child.schedule([8, 0, 0, affinity]);
            refused(format_args!("affinity {affinity:#x}"), result, Error::InvalidArgument)?;
        }
        for good in [[0, 0, 0, 1], [31, usize::MAX, 1, 3], [8, 100_000, 0, usize::MAX]] {
            child.schedule(good)?;
        }
        report(child, kind::PAGE_FAULT, CODE as u64, Access::EXECUTE.0)
    })
}

pub fn map_into_a_child_checks_its_arguments(_: &mut Kit) -> Outcome {
    with_child(|child| {
        let (page, mapped, table) = (Spare::take(&[])?, Spare::take(&[])?, unmapped()?);
        mapped.put_back()?;
        let read = MapFlags::READ;
        let map = |address, frame, table| child.map(address, frame, read, table);
        let invalid = Error::InvalidArgument;
        for address in NOT_USER.into_iter().chain([CODE + 1, CODE + 8, CODE + PAGE - 1]) {
            refused(format_args!("map at {address:#x}"), map(address, page.frame, table), invalid)?;
            refused(format_args!("unmap at {address:#x}"), child.unmap(address), invalid)?;
        }
        for flags in [3, 7, 8, 64 << 16, 1 << 32, usize::MAX] {
            let result = child.map(CODE, page.frame, MapFlags(flags), table);
            refused(format_args!("flags {flags:#x}"), result, invalid)?;
        }
        for bad in [page.frame + 1, page.frame + 8, page.frame + PAGE - 1, NOWHERE, usize::MAX - 4095] {
            refused(format_args!("frame {bad:#x}"), map(CODE, bad, table), invalid)?;
            refused(format_args!("table {bad:#x}"), map(CODE, page.frame, bad), invalid)?;
        }
        refused("no table", map(CODE, page.frame, 0), Error::NeedsTable)?;
        refused("a mapped page as table", map(CODE, page.frame, mapped.frame), Error::PageInUse)?;
        refused("the page itself as table", map(CODE, page.frame, page.frame), Error::PageInUse)?;
        refused("the kernel as table", map(CODE, page.frame, KERNEL), Error::PageInUse)?;
        refused("a device as table", map(CODE, page.frame, SCREEN), invalid)?;
        refused("the kernel's memory", map(CODE, KERNEL, table), Error::PageInUse)?;
        refused("a device", map(CODE, SCREEN, table), Error::NotPermitted)?;
        refused("the interrupt controller", map(CODE, INTERRUPTS, table), Error::PageInUse)?;
        refused("unmap without tables", child.unmap(FAR), Error::NotFound)?;
        map_with_tables(child, CODE, page.frame, read)?;
        refused("a second page there", map(CODE, mapped.frame, 0), Error::AlreadyExists)?;
        refused("unmap of nothing", child.unmap(CODE + PAGE), Error::NotFound)?;
        equal("the page that was unmapped", child.unmap(CODE)?, page.frame)?;
        refused("unmap again", child.unmap(CODE), Error::NotFound)?;
        // Nothing of all this has used the page that was offered for tables.
        map(CODE, table, 0).map(drop).map_err(Failure::from)
    })
}

pub fn page_tables_cannot_be_mapped(_: &mut Kit) -> Outcome {
    let parameters = parameters()?;
    let (page, table, root) = (Spare::take(&[])?.frame, unmapped()?, parameters.root as usize);
    let child = Child::create(&parameters)?;
    let outcome = only_tables(child, page, [root, table]);
    destroy(child)?;
    outcome?;
    // Afterwards they are pages like all others.
    for page in [root, table] {
        destroy(Child::create(&task_of(page, parameters.message as usize))?)?;
    }
    Ok(())
}

/// Makes `table` one, and checks that it and the root can be nothing else.
fn only_tables(child: Child, page: usize, [root, table]: [usize; 2]) -> Outcome {
    child.map(CODE, page, MapFlags::READ, table)?;
    for frame in [root, table] {
        for flags in [MapFlags::READ, MapFlags::WRITE, MapFlags::EXECUTE] {
            let own = raw::map(raw::own_id(), raw::Address::window(), frame, flags, 0);
            refused("a table, into its own memory", own, Error::PageInUse)?;
            refused("a table, into the child", child.map(CODE, frame, flags, 0), Error::PageInUse)?;
        }
        let again = child.map(CODE, page, MapFlags::READ, frame);
        refused("a table as another table", again, Error::PageInUse)?;
    }
    Ok(())
}

pub fn pages_follow_the_first_until_one_cannot(_: &mut Kit) -> Outcome {
    with_child(|child| {
        let many = MapFlags::READ.and_more(MapFlags::MORE_MAX);
        let [first, second, third] = [unmapped()?, unmapped()?, unmapped()?];
        // The pages that are mapped lie below the last table.
        let (above, page) = (unmapped()?, unmapped()?);
        equal("the pages in a row", [page + 2 * PAGE, page + PAGE], [third, above])?;
        for (table, result) in [(first, 2), (second, 2), (third, 3 | 1 << 2)] {
            equal("what map has done", child.map(CODE, page, many, table)?, result)?;
        }
        equal("the page", child.unmap(CODE)?, page)?;
        equal("the page above", child.unmap(CODE + PAGE)?, above)?;
        refused("unmap of the table", child.unmap(CODE + 2 * PAGE), Error::NotFound)?;
        map_with_tables(child, USER_END - PAGE, page, many)
    })
}

pub fn a_page_has_a_bounded_number_of_mappings(_: &mut Kit) -> Outcome {
    with_child(|child| {
        let page = Spare::take(&[])?.frame;
        map_with_tables(child, CODE, page, MapFlags::READ)?;
        let mut count = 1;
        let error = loop {
            match child.map(CODE + count * PAGE, page, MapFlags::READ, 0) {
                Ok(_) => count += 1,
                Err(error) => break error,
            }
        };
        equal("the error after the last", error, Error::PageInUse)?;
        ensure(count >= 200, format_args!("only {count} mappings of a page"))?;
        (0..count).try_for_each(|index| equal("page", child.unmap(CODE + index * PAGE)?, page))
    })
}

pub fn boot_files_cannot_be_changed(_: &mut Kit) -> Outcome {
    let file = raw::boot_file_frame()?;
    with_child(|child| {
        let page = Spare::take(&[])?.frame;
        let writable = child.map(CODE, file, MapFlags::WRITE, 0);
        refused("a boot file, writable", writable, Error::PageInUse)?;
        refused("a boot file as table", child.map(CODE, page, MapFlags::READ, file), Error::PageInUse)?;
        map_with_tables(child, CODE, file, MapFlags::EXECUTE)
    })?;
    let good = parameters()?;
    for bad in [TaskCreate { root: file as u64, ..good }, TaskCreate { message: file as u64, ..good }] {
        refused("a task of a boot file", Child::create(&bad), Error::PageInUse)?;
    }
    Ok(())
}

pub fn task_create_checks_its_arguments(_: &mut Kit) -> Outcome {
    let good = parameters()?;
    let mapped = Spare::take(&[])?;
    mapped.put_back()?;
    let fails = |what: &str, value: u64, bad: TaskCreate, error: Error| {
        refused(format_args!("{what} {value:#x}"), Child::create(&bad), error)
    };
    let (used, kernel) = (mapped.frame as u64, KERNEL as u64);
    for bad in
        [1, 8, 4095].map(|offset| good.root + offset).into_iter().chain([SCREEN as u64, NOWHERE as u64])
    {
        fails("root", bad, TaskCreate { root: bad, ..good }, Error::InvalidArgument)?;
        fails("message page", bad, TaskCreate { message: bad, ..good }, Error::InvalidArgument)?;
    }
    for root in [kernel, used, good.message] {
        fails("root", root, TaskCreate { root, ..good }, Error::PageInUse)?;
    }
    fails("message page", kernel, TaskCreate { message: kernel, ..good }, Error::PageInUse)?;
    for address in NOT_USER.map(|address| address as u64) {
        fails("entry", address, TaskCreate { entry: address, ..good }, Error::InvalidArgument)?;
        fails("stack", address + 8, TaskCreate { stack: address + 8, ..good }, Error::InvalidArgument)?;
    }
    // A page that is a table cannot be part of another task.
    let other = unmapped()? as u64;
    let child = Child::create(&good)?;
    let message = Spare::take(&[])?.frame as u64;
    let outcome =
        fails("root of another", good.root, TaskCreate { message, ..good }, Error::PageInUse).and(fails(
            "root of another as message page",
            good.root,
            TaskCreate { root: other, message: good.root, ..good },
            Error::PageInUse,
        ));
    destroy(child)?;
    outcome?;
    // All those have left the pages as they were.
    destroy(Child::create(&good)?).map_err(Failure::from)
}

pub fn rights_above_its_own_cannot_be_given(_: &mut Kit) -> Outcome {
    let good = parameters()?;
    let with = |rights| TaskCreate { rights, ..good };
    let one = [Range { start: 4, end: 5 }, Range::default(), Range::default(), Range::default()];
    let none = Rights::NONE;
    let powers =
        [Powers::CONSOLE, Powers::POWER, Powers::KILL, Powers(1 << 5), Powers(1 << 63), Powers(u64::MAX)];
    for powers in powers {
        refused(
            format_args!("powers {:#x}", powers.0),
            Child::create(&with(Rights { powers, ..none })),
            Error::NotPermitted,
        )?;
    }
    let sets = [
        ("sending to all", Rights { may_send: ServiceSet::ALL, ..none }),
        ("being all services", Rights { provides: ServiceSet::ALL, ..none }),
        ("an interrupt", Rights { irqs: one, ..none }),
        ("a port", Rights { ports: one, ..none }),
        ("a device", Rights { mmio: one, ..none }),
        ("everything", Rights::ALL),
    ];
    for (what, rights) in sets {
        refused(what, Child::create(&with(rights)), Error::NotPermitted)?;
    }
    let own = Powers::CREATE.union(Powers::MAP).union(Powers::INSPECT).union(Powers::LAUNCH);
    destroy(Child::create(&with(Rights { powers: own, ..none }))?).map_err(Failure::from)
}

pub fn a_child_is_paged_runs_exits_and_is_destroyed(kit: &mut Kit) -> Outcome {
    with_child(|child| {
        let code = Spare::take(&EXIT)?.frame;
        refused("a reply before it runs", raw::reply(child.id(), info(0)), Error::NotWaiting)?;
        refused("sending to who provides nothing", raw::send(child.id(), info(0), 1), Error::NotPermitted)?;
        child.schedule(ORDINARY)?;
        report(child, kind::PAGE_FAULT, CODE as u64, Access::EXECUTE.0)?;
        map_with_tables(child, CODE, code, MapFlags::READ)?;
        raw::reply(child.id(), info(0))?;
        // Mapped, but not to be executed.
        report(child, kind::PAGE_FAULT, CODE as u64, Access::EXECUTE.union(Access::PRESENT).0)?;
        child.unmap(CODE)?;
        child.map(CODE, code, MapFlags::EXECUTE, 0)?;
        raw::reply(child.id(), info(0))?;
        report(child, kind::EXIT, 7, 0)?;
        // It is there to be destroyed, and for nothing else.
        refused("a reply to an exit", raw::reply(child.id(), info(0)), Error::NotWaiting)?;
        ended(child)?;
        equal("first step", child.destroy_step()?, 1)?;
        ended(child)?;
        destroy(child)?;
        ended(child)?;
        refused("destroying it again", child.destroy_step(), Error::NoTask)?;
        super::arguments::id_is_nobodys(kit, child.id())
    })
}

/// The calls that change a task do not know this one any more.
fn ended(child: Child) -> Outcome {
    refused("schedule", child.schedule(ORDINARY), Error::NoTask)?;
    refused("map", child.map(MESSAGE_PAGE, KERNEL, MapFlags::READ, 0), Error::NoTask)?;
    refused("unmap", child.unmap(CODE), Error::NoTask)?;
    refused("receive", raw::receive(child.id()), Error::NoTask)
}

pub fn a_used_up_quantum_is_reported(_: &mut Kit) -> Outcome {
    with_child(|child| {
        map_with_tables(child, CODE, Spare::take(&SPIN)?.frame, MapFlags::EXECUTE)?;
        child.schedule([8, 100_000, Policy::Report as usize, 1])?;
        for _ in 0..3 {
            report(child, kind::QUANTUM, 0, 0)?;
            raw::reply(child.id(), info(0))?;
        }
        Ok(())
    })
}

pub fn children_end_with_their_pager(kit: &mut Kit) -> Outcome {
    kit.succeeds(&["exit", "0"])?;
    let free = kit.free_memory()?;
    let parent = kit.child(&["abandon"])?;
    kit.message_from(parent)?;
    let children = [raw::word(0) as usize, raw::word(1) as usize];
    equal("ending", kit.ending(parent)?, Ending::Exited(0))?;
    for child in children {
        refused("notifying a child of the dead", raw::notify(child, 1), Error::NoTask)?;
    }
    equal("free memory afterwards", kit.free_memory()?, free)?;
    kit.succeeds(&["exit", "0"])
}
