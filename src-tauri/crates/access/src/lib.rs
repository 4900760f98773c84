//! Roles, users and labels in Teleport's YAML: a decision with its reason.
