//! The project itself: its documentation, and who imports whom.

mod docs;
mod imports;
mod markdown;
mod rooms;
