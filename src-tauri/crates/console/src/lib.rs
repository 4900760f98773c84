//! Split, run, store and page SQL results, without a screen.
