//! A manager seen from outside, by real connections.

mod attacks;
mod bounds;
mod events;
mod idle;
mod life;
mod orders;
mod outside;
mod probes;
mod rehearsed;
mod starting;
mod unix;
