//! The live view.
//!
//! ```text
//!   feed.rs    status once a second, and after each event; events ------+
//!   screen.rs  the terminal, and its keys --------------------------------+--> view.rs  what is known --> draw.rs  the picture
//!   keys.rs    what a key does: to the view, or an order, after a question
//! ```
//!
//! `view.rs`, `keys.rs` and `draw.rs` know neither a terminal nor a connection.

mod draw;
mod feed;
mod keys;
mod screen;
mod view;

#[cfg(test)]
mod tests;

pub(crate) use screen::show;
