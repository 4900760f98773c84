//! The pretend accounts as plain data.
