//! What a manager promises of the lives of its services: from set-up to the last release.

mod after_a_forced_end;
mod busy_actors;
mod cancelled;
mod deadline;
mod dependencies;
mod force_shutdown;
mod forced_end_names;
mod foreign_stop;
mod identity;
mod late_starts;
mod nested;
mod orders;
mod provided;
mod release;
mod reloads;
mod resource_ends;
mod responses;
mod restarts;
mod run;
mod set_up;
mod set_up_fails;
mod shutdown_causes;
mod status;
mod stopping;
