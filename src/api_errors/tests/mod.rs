//! What is on the wire, and what is made of what comes from it.

mod hostile;
mod size;
mod vector;
