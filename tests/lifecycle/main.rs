//! What a manager promises of the lives of its services: from set-up to the last release.

mod busy_actors;
mod cancelled;
mod deadline;
mod dependencies;
mod foreign_stop;
mod identity;
mod nested;
mod orders;
mod release;
mod responses;
mod restarts;
mod run;
mod set_up;
mod status;
mod stopping;
