//! One local listener per connection: admit, authorise, dial, relay, cancel, drain.
