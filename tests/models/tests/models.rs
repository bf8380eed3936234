//! Each protocol holds together as it is, and is found to come apart without its orderings.

use majordomo_models::{service, supervision, weakened};

#[test]
fn g09_a_poll_is_never_told_with_the_time_of_another() {
    supervision::models::a_poll_is_never_told_with_the_time_of_another();
}

#[test]
#[should_panic]
fn without_orderings_a_poll_is_told_with_the_time_of_another() {
    weakened::models::a_poll_is_never_told_with_the_time_of_another();
}

#[test]
fn g09_a_rest_is_told_of_whom_was_seen_before_it() {
    supervision::models::a_rest_is_told_of_whom_was_seen_before_it();
}

#[test]
#[should_panic(expected = "seen, and never told of")]
fn without_orderings_a_rest_is_not_told() {
    weakened::models::a_rest_is_told_of_whom_was_seen_before_it();
}

#[test]
fn g14_the_timer_runs_while_a_thread_is_awake() {
    supervision::models::the_timer_runs_while_a_thread_is_awake();
}

#[test]
fn g10_no_order_is_missed() {
    supervision::models::no_order_is_missed();
}

#[test]
#[should_panic(expected = "an order that nobody saw")]
fn without_orderings_an_order_is_missed() {
    weakened::models::no_order_is_missed();
}

#[test]
fn g13_no_ring_is_missed() {
    supervision::models::no_ring_is_missed();
}

#[test]
#[should_panic]
fn without_orderings_a_ring_is_missed() {
    weakened::models::no_ring_is_missed();
}

#[test]
fn g05_no_moment_is_missed() {
    service::models::no_moment_is_missed();
}
