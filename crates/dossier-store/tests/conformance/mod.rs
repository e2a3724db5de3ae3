//! What makes a store a store: one suite for every database behind [`Store`].
//!
//! A test binary a database says how to make an empty one, and runs everything:
//!
//! ```ignore
//! #[macro_use]
//! mod conformance;
//! conformance!(crate::scratch_database);
//! ```
//!
//! Each file is a capability, each function a behaviour. Where a lease must be lost or an age run
//! out, the rules say so (a lock period or a greatest age of nothing), so hardly anything sleeps.

pub mod abandoned;
pub mod archive;
pub mod batches;
pub mod claim_rule;
pub mod claims;
pub mod concurrency;
pub mod content_schemas;
pub mod documents;
pub mod expiry;
pub mod given;
pub mod idempotency;
pub mod interleavings;
pub mod leases;
pub mod listing;
pub mod priorities;
pub mod reference;
pub mod requests;
pub mod sections;
pub mod services;
pub mod suspension;
pub mod template_health;
pub mod templates;
pub mod waiting;

use std::sync::Arc;

use async_trait::async_trait;
use dossier_core::RequestId;
use dossier_store::Store;

/// A database that was empty when the test began.
#[async_trait]
pub trait Database: Send + Sync {
    /// Opens one more store on it, as another process would.
    async fn store(&self) -> Arc<dyn Store>;

    /// Lets a request have come in, and its clock have started, so many seconds earlier.
    async fn age(&self, id: RequestId, seconds: i64);
}

/// Makes a test of every behaviour, given the path of an `async fn() -> impl Database`.
macro_rules! conformance {
    ($database:path) => {
        behaviours! { $database,
            requests {
                a_new_request_is_pending_with_a_section_for_each_service,
                sections_come_in_report_order,
                unknown_and_disabled_services_are_refused,
                an_unknown_request_is_none,
                a_duplicate_repeats_the_details_and_starts_anew,
                a_duplicate_with_a_disabled_service_is_refused,
                a_restart_begins_anew_and_keeps_collected_sections,
                only_an_errored_request_is_restarted,
                a_cancelled_request_is_errored_and_its_lease_is_lost,
                only_a_pending_request_is_cancelled,
                only_a_completed_request_is_downloaded,
            }
            idempotency {
                a_repeat_answers_the_first_result,
                a_key_used_for_something_else_is_refused,
                a_key_belongs_to_its_requester,
                a_repeat_succeeds_after_its_service_was_disabled,
                a_refused_request_does_not_use_its_key_up,
                a_repeat_is_known_after_archiving,
                repeats_at_the_same_time_make_one_request,
            }
            listing {
                the_newest_come_first_page_by_page,
                pages_of_a_list_of_known_length_are_the_same,
                a_page_behind_a_row_is_the_next_one,
                the_search_matches_any_part_in_any_case,
                a_short_search_finds_what_begins_with_it,
                wildcards_in_a_search_are_plain_text,
                the_filter_tells_the_states_apart,
                the_claimable_are_those_that_a_worker_may_claim,
                the_depth_of_the_queue_is_what_may_be_claimed_and_what_is_held,
            }
            claims {
                a_claim_says_who_holds_what_until_when,
                a_second_worker_cannot_take_a_live_lease,
                a_lease_that_expired_is_taken_over,
                the_oldest_are_claimed_first_up_to_the_number_asked_for,
                a_request_is_not_claimed_before_it_is_due,
                a_finished_request_is_not_claimed,
                an_unknown_request_is_not_claimed,
                a_request_without_attempts_left_is_not_claimed,
                a_request_that_is_too_old_is_not_claimed,
                a_claim_starts_uncollected_sections_anew,
            }
            priorities {
                a_high_request_goes_before_and_a_low_one_behind,
                a_low_request_is_never_starved,
                those_of_one_priority_are_claimed_as_they_came_in,
                a_priority_is_kept,
            }
            leases {
                a_renewed_lease_holds_for_one_more_period,
                an_expired_lease_is_lost_even_if_nobody_took_it_over,
                a_token_that_is_not_the_current_lease_changes_nothing,
                a_failed_attempt_is_due_again_later,
                a_handed_back_attempt_does_not_count,
                the_last_failed_attempt_makes_the_request_errored,
                a_completed_request_keeps_its_report_for_good,
                a_request_is_not_completed_before_every_section_is,
                completing_again_with_the_same_token_and_document_succeeds,
                writes_to_an_unknown_request_are_refused,
            }
            batches {
                all_leases_are_renewed_in_one_call,
                a_lost_lease_among_others_is_refused_alone,
                completions_are_decided_one_by_one,
                a_repeated_batch_is_told_yes_and_changes_nothing,
                an_empty_batch_is_nothing,
                one_lease_may_come_twice,
                more_than_one_transaction_takes_are_decided_too,
                what_cannot_be_whole_spoils_no_other,
                batches_in_opposite_order_never_wait_in_a_circle,
            }
            sections {
                a_collected_section_is_kept_for_later_attempts,
                a_complete_section_is_never_changed_back,
                progress_and_failure_are_shown,
                a_section_that_the_request_does_not_have_is_refused,
            }
            services {
                the_catalogue_is_ordered_by_name,
                names_are_unique,
                details_are_replaced_everywhere,
                an_unknown_service_is_not_found,
            }
            suspension {
                sections_of_a_suspended_service_wait,
                a_request_with_something_else_to_collect_does_not_wait,
                a_new_request_of_a_suspended_service_waits,
                resuming_makes_those_that_waited_due_and_restarts_their_clock,
                a_restart_follows_what_was_suspended_and_resumed_meanwhile,
                an_answer_that_arrives_after_suspension_counts,
                a_collected_section_is_not_suspended,
            }
            expiry {
                attempts_that_ran_out_make_a_request_errored,
                an_age_that_ran_out_makes_a_request_errored_unless_somebody_works_on_it,
                waiting_for_a_suspended_service_does_not_age,
                what_has_attempts_and_time_left_stays,
            }
            abandoned {
                an_attempt_is_abandoned_when_its_lease_ends_without_completion,
                an_expired_lease_is_abandoned_before_anybody_takes_it_over,
                a_live_or_completed_attempt_is_not_abandoned,
                an_attempt_is_left_alone_for_the_time_of_grace,
                an_attempt_has_the_names_that_its_services_had,
                what_a_later_attempt_builds_on_is_in_use,
                an_attempt_is_still_found_after_its_request_was_archived,
                a_cleaned_attempt_is_forgotten,
            }
            archive {
                only_sections_of_completed_requests_are_spent,
                finished_requests_are_archived_by_their_end,
                an_archived_request_is_remembered_without_its_documents_and_name,
                a_pending_request_is_not_archived,
                the_archive_is_searched_like_the_list,
                the_archive_is_purged_by_age,
                one_service_in_many_requests_is_archived_with_each,
            }
            documents {
                a_completed_request_has_all_its_documents_in_order,
                a_completion_without_the_lease_leaves_no_document,
                a_completion_that_cannot_be_whole_changes_nothing,
                completing_again_succeeds_with_the_same_documents_only,
                all_documents_of_a_completed_request_are_in_use,
                an_archived_request_has_no_documents,
            }
            templates {
                a_new_version_is_pending_and_has_its_bytes,
                every_service_counts_its_own_versions,
                a_pending_version_is_replaced_and_its_number_used_again,
                bytes_that_may_be_served_already_are_not_registered_again,
                a_pending_version_is_published_when_it_is_served,
                while_a_version_is_pending_the_one_before_is_served_too,
                an_older_version_is_refused_until_it_is_registered_again,
                an_unknown_digest_is_refused_with_those_that_are_expected,
                without_the_current_lease_nothing_is_published,
                many_that_resolve_one_version_at_once_publish_it_once,
                many_that_register_the_same_at_once_make_one_version,
                a_service_shows_its_current_versions,
                versions_of_an_unknown_service_are_not_found,
                any_order_of_steps_agrees_with_the_model,
            }
            template_health {
                enabled_services_with_a_template_are_asked_now_and_then,
                a_question_is_one_processs_to_ask,
                what_is_served_is_compared_with_what_is_registered,
                a_pending_version_that_is_seen_served_is_published,
                an_answer_that_is_dropped_publishes_nothing,
                many_that_see_and_resolve_one_version_at_once_publish_it_once,
                a_version_that_is_seen_while_it_is_replaced_is_published_or_not_served,
                a_state_is_shown_since_it_began,
                an_alert_begins_when_an_unregistered_one_was_served_for_long,
                an_alert_does_not_begin_while_a_service_is_away,
                a_registered_answer_starts_the_time_anew,
                an_answer_to_a_question_that_another_has_taken_is_dropped,
                many_that_record_one_answer_are_told_of_one_alert,
                a_service_that_is_asked_no_more_is_forgotten,
            }
            content_schemas {
                a_schema_is_kept_byte_for_byte_and_replaced,
                a_removed_schema_is_gone,
                an_unknown_service_has_no_schema,
                a_section_says_which_schema_its_service_has_now,
            }
            reference {
                an_import_replaces_what_was_imported_of_that_kind_and_nothing_else,
                readers_of_names_that_are_replaced_find_the_old_or_the_new_ones,
                of_two_imports_at_once_one_holds_whole,
                an_import_that_came_to_no_end_changes_nothing,
                what_was_imported_wins_then_what_was_loaded_last,
                a_code_that_a_source_does_not_know_hides_no_name,
                only_the_sources_that_are_named_are_heard,
                ten_thousand_codes_are_looked_up_at_once,
                what_is_remembered_is_replaced_code_by_code_and_forgotten_by_age,
                a_new_source_is_due_and_one_refreshes_it,
                a_claim_that_ran_out_is_taken_over_and_its_late_answer_changes_nothing,
                a_claim_is_renewed_and_given_back_by_whoever_has_it,
                a_failure_keeps_the_names_and_waits,
                a_shorter_schedule_counts_from_the_last_refresh,
                a_source_can_be_made_due,
                a_removed_source_is_gone_with_its_names,
            }
            waiting {
                a_new_request_wakes_a_waiter_at_once,
                a_request_that_came_before_the_wait_is_not_missed,
                a_wait_ends_when_a_lease_expires,
                a_wait_ends_in_time,
                a_request_from_another_process_ends_a_wait,
            }
            concurrency {
                two_processes_claim_each_request_exactly_once,
                claims_of_one_request_at_the_same_time_have_one_winner,
                calls_of_all_kinds_at_the_same_time_are_all_answered,
            }
            interleavings {
                any_order_of_steps_by_two_workers_agrees_with_the_model,
            }
        }
    };
}

/// Makes the tests of [`conformance!`].
macro_rules! behaviours {
    ($database:path, $($capability:ident { $($behaviour:ident,)* })*) => {$(
        mod $capability {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    let database = $database().await;
                    crate::conformance::$capability::$behaviour(&database).await;
                }
            )*
        }
    )*};
}
