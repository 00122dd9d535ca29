//! Why a verdict can be believed: what is lost is said, what runs beside does not matter, what is broken fails, and nothing
//! enters or leaves a lab.
#![cfg(feature = "lab")]

mod a_failure_is_told;
mod a_lost_node;
mod a_node_at_any_moment;
mod a_resolver_that_cannot_start;
mod a_silent_node;
mod accuracy;
mod host_side;
mod inside;
mod isolation;
mod limits;
mod stalls;
mod the_wire;
mod two_at_once;
