//! Two processes for real: the test program started anew, as a predecessor that the tests order about, which starts itself anew.

mod failures;
mod passed;
mod process;
mod roles;
mod steps;
