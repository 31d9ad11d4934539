//! All tests, by name.
//!
//! A test is a function of a [`Kit`] that arranges tasks, acts, and checks. Each runs in a task of its own, so that
//! none can spoil another's registers, timers, messages or memory.

pub mod arguments;
pub mod ipc;
pub mod lends;
pub mod memory;
pub mod pager;
pub mod rights;
pub mod services;
pub mod time;
pub mod vectors;

use crate::kit::{Kit, Outcome};

/// A test.
pub struct Test {
    /// What is typed to run it, and what it shows if it passes.
    pub name: &'static str,
    /// The test.
    pub run: fn(&mut Kit) -> Outcome,
}

macro_rules! tests {
    ($($module:ident: $($name:ident),+;)+) => {
        &[$($(Test { name: stringify!($name), run: $module::$name }),+),+]
    };
}

/// Every test, in the order in which they run: what others rely on first.
pub const ALL: &[Test] = tests! {
    ipc: a_message_arrives_as_it_was_sent, every_length_makes_the_round_trip, only_the_words_in_use_are_copied,
        a_closed_receive_takes_only_its_sender, an_open_receive_takes_senders_in_their_order,
        notifications_come_before_senders, notifications_are_never_lost_and_never_twice,
        a_nonblocking_send_does_not_wait, a_receiver_that_waits_for_another_gets_nothing, stale_ids_name_nobody,
        a_reply_needs_a_call, a_call_is_answered_once, a_third_task_cannot_answer,
        clients_of_a_dead_server_are_released, an_error_is_an_answer,
        reply_receive_drops_a_reply_that_nobody_waits_for, nobody_can_forge_the_kernels_messages,
        vm_survives_forged_and_malformed_messages;
    lends: lent_memory_is_copied, what_is_lent_for_reading_is_not_written, a_bad_lend_is_the_lenders_error,
        a_loan_ends_with_the_reply, one_copy_moves_at_most_its_limit,
        lends_of_a_call_that_has_not_been_received_are_out_of_reach;
    time: the_clock_never_goes_back, a_timer_expires_after_its_time_and_once, a_stopped_timer_does_not_expire,
        a_timer_that_is_set_again_forgets_the_first_time, timers_of_any_length_can_be_set,
        many_tasks_have_timers_at_once, one_task_can_have_several_timers,
        a_task_that_never_waits_does_not_starve_its_equals;
    arguments: unknown_calls_do_not_exist, what_is_no_task_id_names_nobody, info_words_out_of_range_are_refused,
        a_task_cannot_wait_for_itself, non_canonical_pointer_does_not_kill_the_kernel, bad_memory_of_its_own_ends_the_caller,
        bad_buffers_of_lend_copy_end_the_server_only, console_moves_a_bounded_length, long_text_is_written_whole_and_logged,
        inspect_checks_its_arguments, lend_copy_checks_its_arguments, map_checks_its_arguments,
        irqs_without_the_right_are_refused, forbidden_instructions_end_the_task,
        flags_and_segments_do_not_reach_the_kernel, any_task_can_be_looked_at;
    pager: out_of_range_priority_is_refused, out_of_range_scheduling_is_refused,
        map_into_a_child_checks_its_arguments, page_tables_cannot_be_mapped,
        pages_follow_the_first_until_one_cannot, a_page_has_a_bounded_number_of_mappings,
        boot_files_cannot_be_changed, task_create_checks_its_arguments, rights_above_its_own_cannot_be_given,
        a_child_is_paged_runs_exits_and_is_destroyed, a_used_up_quantum_is_reported,
        children_end_with_their_pager;
    rights: strangers_cannot_be_reached, vm_cannot_be_harmed, what_the_manifest_does_not_give_is_refused;
    services: a_lookup_waits_for_the_service, a_service_has_one_server, stubs_carry_values_memory_and_text,
        answers_can_come_later, handles_belong_to_their_client, handles_are_freed_with_their_owner,
        asynchronous_messages_are_notified_and_pulled, a_full_queue_is_an_error_to_the_sender,
        shared_memory_has_access_control;
    vectors: vector_registers_are_each_tasks_own, a_new_task_finds_the_vector_registers_empty,
        a_task_that_ends_leaves_the_vector_registers_of_others_alone;
    memory: a_wrong_access_ends_the_task_with_a_report, nothing_is_writable_and_executable,
        the_kernels_memory_cannot_be_mapped, the_local_descriptor_table_is_empty, a_stack_overflow_is_reported, out_of_memory_is_an_error,
        fresh_memory_is_zero, the_64th_task_and_more, ended_and_killed_tasks_give_everything_back;
};
