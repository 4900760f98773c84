//! Who am I, role hops, temporary database credentials, discovery.
