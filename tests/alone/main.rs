//! What looks at the whole process, or at the pace of the machine: one test at a time.

mod asking;
mod crashes;
mod dedicated;
mod leaks;
mod limits;
mod scale;
mod threads;
