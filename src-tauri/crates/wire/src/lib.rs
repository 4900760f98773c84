//! PostgreSQL v3 messages: bytes in, values out.
