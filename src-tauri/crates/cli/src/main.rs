//! The postern command, a second host over the engine.

fn main() {}
