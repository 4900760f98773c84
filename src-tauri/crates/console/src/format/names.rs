//! Column names where each may stand only once.

use std::collections::HashSet;

use crate::types::Column;

/// A name for each column, in order: the second `id` becomes `id_2`, unless a column has that name already.
pub(super) fn unique(columns: &[&Column]) -> Vec<String> {
    let names: HashSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let mut used: HashSet<String> = HashSet::new();
    let mut unique = Vec::with_capacity(columns.len());
    for column in columns {
        let mut name = column.name.clone();
        let mut number = 2;
        while used.contains(&name) || (number > 2 && names.contains(name.as_str())) {
            name = format!("{}_{number}", column.name);
            number += 1;
        }
        used.insert(name.clone());
        unique.push(name);
    }
    unique
}
