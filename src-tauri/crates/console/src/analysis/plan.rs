//! Reads the plan that EXPLAIN gives as text, Redshift's and PostgreSQL's: steps with their costs, and what to look at.
//!
//! The text is the server's, and nothing is certain about it. What is understood becomes a list of steps with their depth;
//! what is not stays a line of the step above it. Whoever shows it shows the text beside.

use super::{AnalysisError, Problem};
use crate::store::{PieceBuffer, Reach, ResultStore};
use crate::types;

/// Lines that are read.
const LINES: usize = 20_000;

/// Bytes of a line that are read.
const LINE: usize = 16 << 10;

/// Steps below each other; what is deeper is shown at this depth.
const DEPTH: usize = 200;

/// Rows from which reading a table from end to end is worth a look.
const BIG: f64 = 1_000_000.0;

/// A plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In the order of the text: each behind the step that it feeds, and deeper.
    pub nodes: Vec<PlanNode>,
    /// What the server remarks about the whole, without its dashes.
    pub notes: Vec<String>,
    /// The text as it came.
    pub text: String,
    /// There were more lines than are read.
    pub cut: bool,
}

/// A step of a plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanNode {
    /// 0 for the last step, whose rows are the result.
    pub depth: usize,
    /// What it is called, with the way it moves rows: `XN Hash Join DS_BCAST_INNER`.
    pub name: String,
    /// Estimated cost until its first row,
    pub cost_first: Option<f64>,
    /// and until its last.
    pub cost: Option<f64>,
    /// Estimated rows.
    pub rows: Option<f64>,
    /// Estimated bytes of a row.
    pub width: Option<u64>,
    /// What it really took, where the statement was run: `actual time=0.01..0.02 rows=1 loops=1`.
    pub actual: Option<String>,
    /// What the plan says of it.
    pub details: Vec<PlanDetail>,
    /// What to look at.
    pub warnings: Vec<PlanWarning>,
}

/// A line below a step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlanDetail {
    /// `Hash Cond`; empty for a line without one.
    pub name: String,
    /// What stands behind it.
    pub text: String,
}

/// What is worth a look in a step.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum PlanWarning {
    /// `DS_BCAST_INNER`: a copy of the inner table goes to every node.
    Broadcast,
    /// `DS_DIST_BOTH`: both tables are sent around.
    BothMoved,
    /// `DS_DIST_ALL_INNER`: the whole inner table goes to a single slice.
    AllToOne,
    /// A nested loop: each row of one side with each of the other.
    NestedLoop,
    /// A large table is read from end to end.
    LargeScan,
    /// Statistics are missing, so that the estimates are guesses.
    NoStatistics,
}

impl ResultStore {
    /// Reads the plan in a result that EXPLAIN brought.
    ///
    /// # Errors
    /// [`AnalysisError::Invalid`] for a result of more than one column, or of another name.
    pub fn plan(&self) -> Result<Plan, AnalysisError> {
        if !is_plan(self.columns()) {
            return Err(AnalysisError::Invalid { field: "result", problem: Problem::NoPlan });
        }
        let pieces = self.pieces();
        let mut buffer = PieceBuffer::default();
        let mut text = String::new();
        let mut lines = 0;
        let mut cut = false;
        'all: for index in 0..pieces.len() {
            for (_, row) in pieces.read(index, Reach::Beginning, &mut buffer)?.rows() {
                let cell = row.cells().next().flatten().unwrap_or_default();
                for line in String::from_utf8_lossy(&cell[..cell.len().min(LINE)]).lines() {
                    if lines == LINES {
                        cut = true;
                        break 'all;
                    }
                    text.push_str(line);
                    text.push('\n');
                    lines += 1;
                }
            }
        }
        Ok(Plan { cut, ..Plan::read(text) })
    }
}

/// Whether a result of these columns is what EXPLAIN brings.
pub(crate) fn is_plan(columns: &[types::Column]) -> bool {
    matches!(columns, [only] if only.name.eq_ignore_ascii_case("QUERY PLAN"))
}

impl Plan {
    /// Reads the text of a plan. There is none that it does not read: what it cannot make sense of, it leaves in the text.
    pub fn read(text: String) -> Self {
        let mut plan = Self::default();
        // The steps above, each with the column in which its name begins.
        let mut above: Vec<(usize, usize)> = Vec::new();
        for line in text.lines() {
            let bare = line.trim();
            if let Some(note) = note(bare) {
                plan.note(note);
                continue;
            }
            if bare.is_empty() {
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            let (column, name) = match bare.strip_prefix("->") {
                Some(rest) => (indent + bare.len() - rest.trim_start().len(), rest.trim_start()),
                None => (indent, bare),
            };
            let begins = bare.starts_with("->") || plan.nodes.is_empty() || indent == 0 && name.contains("(cost=");
            if begins {
                while above.last().is_some_and(|(_, other)| *other >= column) {
                    above.pop();
                }
                let mut node = node(name);
                node.depth = above.len().min(DEPTH);
                above.push((plan.nodes.len(), column));
                plan.nodes.push(node);
            } else if indent == 0 {
                // A summary behind the last step: `Planning Time: 0.1 ms`.
                plan.notes.push(bare.to_owned());
            } else {
                let owner = above.iter().rev().find(|(_, other)| *other < column).or(above.last());
                if let Some((owner, _)) = owner {
                    plan.nodes[*owner].details.push(detail(bare));
                }
            }
        }
        let redshift = plan.nodes.iter().any(|node| has_word(&node.name, "XN"));
        for node in &mut plan.nodes {
            node.warnings = warnings(node, redshift);
        }
        plan.mark_missing_statistics();
        plan.text = text;
        plan
    }

    fn note(&mut self, note: &str) {
        if !note.is_empty() {
            self.notes.push(note.to_owned());
        }
    }

    /// Redshift names the tables in a note; the scans of them are marked.
    fn mark_missing_statistics(&mut self) {
        const NAMED: &str = "Tables missing statistics:";
        let named = self.notes.iter().filter_map(|note| note.strip_prefix(NAMED));
        let tables: Vec<String> = named.flat_map(|names| names.split(',')).map(|name| name.trim().to_owned()).collect();
        for node in &mut self.nodes {
            let Some(table) = table_of(&node.name) else { continue };
            if tables.iter().any(|name| name == table || name.rsplit('.').next() == Some(table)) {
                node.warnings.push(PlanWarning::NoStatistics);
            }
        }
    }
}

/// `----- Tables missing statistics: sales -----`
fn note(line: &str) -> Option<&str> {
    let inner = line.strip_prefix("-----")?;
    Some(inner.trim_start_matches('-').trim_end_matches('-').trim())
}

/// `XN Seq Scan on sales  (cost=0.00..1724.56 rows=172456 width=31)`, and in PostgreSQL what it took behind that.
fn node(line: &str) -> PlanNode {
    let Some(at) = line.find("(cost=").or_else(|| line.find("(actual ")).or_else(|| line.find("(never executed)"))
    else {
        return PlanNode { name: line.to_owned(), ..PlanNode::default() };
    };
    let mut node = PlanNode { name: line[..at].trim_end().to_owned(), ..PlanNode::default() };
    for group in line[at..].split('(').filter_map(|group| group.split(')').next()) {
        if let Some(estimate) = group.strip_prefix("cost=") {
            let mut words = estimate.split_whitespace();
            if let Some((first, last)) = words.next().and_then(|range| range.split_once("..")) {
                (node.cost_first, node.cost) = (number(first), number(last));
            }
            for word in words {
                match word.split_once('=') {
                    Some(("rows", rows)) => node.rows = number(rows),
                    Some(("width", width)) => node.width = width.parse().ok(),
                    _ => {}
                }
            }
        } else if !group.trim().is_empty() {
            node.actual = Some(group.trim().to_owned());
        }
    }
    node
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn detail(line: &str) -> PlanDetail {
    match line.split_once(": ") {
        Some((name, text)) if name.len() <= 60 && !name.contains(['(', '\'', '"']) => {
            PlanDetail { name: name.to_owned(), text: text.to_owned() }
        }
        _ => PlanDetail { name: String::new(), text: line.to_owned() },
    }
}

/// `sales` of `XN Seq Scan on public.sales s`.
fn table_of(name: &str) -> Option<&str> {
    let table = name.split(" on ").nth(1)?.split_whitespace().next()?;
    table.rsplit('.').next()
}

fn has_word(name: &str, wanted: &str) -> bool {
    name.split_whitespace().any(|word| word == wanted)
}

fn warnings(node: &PlanNode, redshift: bool) -> Vec<PlanWarning> {
    let mut warnings = Vec::new();
    let moves = [
        ("DS_BCAST_INNER", PlanWarning::Broadcast),
        ("DS_DIST_BOTH", PlanWarning::BothMoved),
        ("DS_DIST_ALL_INNER", PlanWarning::AllToOne),
    ];
    warnings.extend(moves.into_iter().filter(|(word, _)| has_word(&node.name, word)).map(|(_, warning)| warning));
    // In Redshift it is a product of two tables; PostgreSQL does well with one over an index.
    let product = redshift || node.rows.is_some_and(|rows| rows >= BIG);
    if node.name.contains("Nested Loop") && product {
        warnings.push(PlanWarning::NestedLoop);
    }
    if node.name.contains("Seq Scan") && node.rows.is_some_and(|rows| rows >= BIG) {
        warnings.push(PlanWarning::LargeScan);
    }
    warnings
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REDSHIFT: &str = r#"XN Merge  (cost=1015345167117.54..1015345167544.46 rows=1000 width=103)
  Merge Key: category.catname, sum(sales.pricepaid)
  ->  XN Network  (cost=1015345167117.54..1015345167544.46 rows=170771 width=103)
        Send to leader
        ->  XN Sort  (cost=1015345167117.54..1015345167544.46 rows=170771 width=103)
              Sort Key: category.catname, sum(sales.pricepaid)
              ->  XN HashAggregate  (cost=15345150568.37..15345152276.08 rows=170771 width=103)
                    Filter: (sum(pricepaid) > 9999.00)
                    ->  XN Hash Join DS_BCAST_INNER  (cost=742.08..15345146299.10 rows=170771 width=103)
                          Hash Cond: ("outer".catid = "inner".catid)
                          ->  XN Seq Scan on sales  (cost=0.00..1724.56 rows=17245600 width=31)
                          ->  XN Hash  (cost=0.11..0.11 rows=11 width=19)
                                ->  XN Seq Scan on public.category c  (cost=0.00..0.11 rows=11 width=19)
 ----- Tables missing statistics: category, date -----
 ----- Update statistics by running the ANALYZE command on these tables -----
"#;

    fn shape(plan: &Plan) -> Vec<(usize, &str)> {
        plan.nodes.iter().map(|node| (node.depth, node.name.as_str())).collect()
    }

    #[test]
    fn a_plan_of_redshift_becomes_its_steps_with_what_to_look_at() {
        let plan = Plan::read(REDSHIFT.to_owned());
        assert_eq!(
            shape(&plan),
            [
                (0, "XN Merge"),
                (1, "XN Network"),
                (2, "XN Sort"),
                (3, "XN HashAggregate"),
                (4, "XN Hash Join DS_BCAST_INNER"),
                (5, "XN Seq Scan on sales"),
                (5, "XN Hash"),
                (6, "XN Seq Scan on public.category c"),
            ]
        );
        assert_eq!(plan.nodes[1].details, [PlanDetail { name: String::new(), text: "Send to leader".into() }]);
        assert_eq!(plan.nodes[4].details[0].name, "Hash Cond");
        assert_eq!(plan.nodes[4].warnings, [PlanWarning::Broadcast]);
        assert_eq!(plan.nodes[5].warnings, [PlanWarning::LargeScan]);
        assert_eq!(plan.nodes[7].warnings, [PlanWarning::NoStatistics]);
        let sales = &plan.nodes[5];
        assert_eq!(
            (sales.cost_first, sales.cost, sales.rows, sales.width),
            (Some(0.0), Some(1724.56), Some(17_245_600.0), Some(31))
        );
        assert_eq!(plan.notes[0], "Tables missing statistics: category, date");
        assert_eq!(plan.text, REDSHIFT);
    }

    #[test]
    fn a_nested_loop_and_rows_that_go_around_are_worth_a_look() {
        let plan = Plan::read(
            "XN Nested Loop DS_DIST_BOTH  (cost=0.00..9.00 rows=9 width=8)\n  ->  XN Hash Join DS_DIST_ALL_INNER  \
             (cost=0.00..9.00 rows=9 width=8)\n ----- Nested Loop Join in the query plan - review the join predicates \
             to avoid Cartesian products -----"
                .to_owned(),
        );
        assert_eq!(plan.nodes[0].warnings, [PlanWarning::BothMoved, PlanWarning::NestedLoop]);
        assert_eq!(plan.nodes[1].warnings, [PlanWarning::AllToOne]);
        assert_eq!(plan.notes.len(), 1);
    }

    #[test]
    fn a_plan_of_postgresql_has_its_subplans_and_what_was_measured() {
        let plan = Plan::read(
            "Nested Loop  (cost=0.29..16.34 rows=1 width=8) (actual time=0.02..0.03 rows=1 loops=1)\n  Join Filter: \
             (a.x = b.x)\n  InitPlan 1 (returns $0)\n    ->  Result  (cost=0.00..0.01 rows=1 width=4)\n  ->  Seq Scan \
             on a  (cost=0.00..1.01 rows=2000000 width=4) (never executed)\n        Filter: (note = 'x: y')\nPlanning \
             Time: 0.1 ms\n"
                .to_owned(),
        );
        assert_eq!(shape(&plan), [(0, "Nested Loop"), (1, "Result"), (1, "Seq Scan on a")]);
        assert_eq!(plan.nodes[0].actual.as_deref(), Some("actual time=0.02..0.03 rows=1 loops=1"));
        assert_eq!(plan.nodes[0].warnings, [], "over few rows it is the right thing there");
        assert_eq!(plan.nodes[2].warnings, [PlanWarning::LargeScan]);
        assert_eq!(plan.nodes[2].details, [PlanDetail { name: "Filter".into(), text: "(note = 'x: y')".into() }]);
        assert_eq!(plan.notes, ["Planning Time: 0.1 ms"]);
    }

    #[test]
    fn a_plan_without_costs_or_of_another_kind_keeps_its_lines() {
        let plan = Plan::read("Insert on t\n  ->  Result\n".to_owned());
        assert_eq!(shape(&plan), [(0, "Insert on t"), (1, "Result")]);
        let json = Plan::read("[\n  {\n    \"Plan\": 1\n  }\n]\n".to_owned());
        assert!(json.text.contains("\"Plan\": 1"));
        assert_eq!(Plan::read(String::new()), Plan::default());
    }

    #[test]
    fn a_plan_deeper_than_any_is_cut_in_depth_and_not_in_steps() {
        let text: String = (0..5_000).map(|depth| format!("{}->  XN Hash\n", " ".repeat(depth))).collect();
        let plan = Plan::read(text);
        assert_eq!(plan.nodes.len(), 5_000);
        assert!(plan.nodes.iter().all(|node| node.depth <= DEPTH));
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange_to_be_read(text in "(?s).{0,200}", lines in proptest::collection::vec(" {0,9}(->)? {0,3}[(a-z=.0-9 é)-]{0,30}", 0..20)) {
            for text in [text, lines.join("\n")] {
                let plan = Plan::read(text.clone());
                prop_assert_eq!(plan.text, text);
            }
        }
    }
}
