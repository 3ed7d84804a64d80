//! Medians, spread, one table and one value.

use super::hostile::Beside;
use super::load::{Measured, Shape};
use super::open::{Growth, Opened};
use super::yardstick::{Yardstick, Yardsticks};
use super::{Plan, machine};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// A repetition outside of it is called noisy.
const NOISE: f64 = 0.05;

/// Everything that was measured, in the order in which it first was.
#[derive(Default)]
pub(super) struct Results {
    rows: Vec<Row>,
}

/// One scenario: a figure in each round for each of its names.
struct Row {
    name: String,
    shape: Option<Shape>,
    yardstick: Option<&'static str>,
    figures: Vec<(&'static str, Vec<f64>)>,
}

impl Row {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            shape: None,
            yardstick: None,
            figures: Vec::new(),
        }
    }

    fn add(&mut self, figure: &'static str, value: f64) {
        match self.figures.iter_mut().find(|(name, _)| *name == figure) {
            Some((_, values)) => values.push(value),
            None => self.figures.push((figure, vec![value])),
        }
    }

    fn median(&self, figure: &str) -> Option<f64> {
        let (_, values) = self.figures.iter().find(|(name, _)| *name == figure)?;
        Some(median(values.clone()))
    }

    /// Of the figure that the row is about: its first one.
    fn spread(&self) -> f64 {
        self.figures
            .first()
            .map_or(0.0, |(_, values)| spread(values))
    }

    fn value(&self) -> Value {
        let mut value = Map::new();
        value.insert("scenario".into(), json!(self.name));
        if let Some(shape) = self.shape {
            value.insert("connections".into(), json!(shape.connections));
            value.insert("in_flight".into(), json!(shape.in_flight));
        }
        if let Some(yardstick) = self.yardstick {
            value.insert("yardstick".into(), json!(yardstick));
        }
        for (name, values) in &self.figures {
            value.insert((*name).into(), json!(median(values.clone())));
        }
        let rounds: Map<String, Value> = self
            .figures
            .iter()
            .map(|(name, values)| ((*name).to_owned(), json!(values)))
            .collect();
        value.insert("rounds".into(), Value::Object(rounds));
        value.insert("spread".into(), json!(self.spread()));
        value.insert("noisy".into(), json!(self.spread() > NOISE));
        Value::Object(value)
    }
}

impl Results {
    /// Changes the row of that name, which is made where there is none.
    fn row(&mut self, name: &str, change: impl FnOnce(&mut Row)) {
        match self.rows.iter_mut().find(|row| row.name == name) {
            Some(row) => change(row),
            None => {
                let mut row = Row::named(name);
                change(&mut row);
                self.rows.push(row);
            }
        }
    }

    pub(super) fn yardsticks(&mut self, yardsticks: &Yardsticks) {
        for (operation, yardstick) in &yardsticks.all {
            self.row(&format!("yardstick {operation}"), |row| {
                row.yardstick = Some(yardstick.name);
                row.add("per_core", yardstick.bare);
                row.add("limit_per_core", yardstick.limit);
            });
        }
    }

    pub(super) fn load(
        &mut self,
        name: &str,
        shape: Shape,
        measured: &Measured,
        yardstick: Option<Yardstick>,
    ) {
        self.row(name, |row| {
            row.shape = Some(shape);
            if let Some(yardstick) = yardstick {
                row.yardstick = Some(yardstick.name);
                row.add("share", measured.per_core / yardstick.bare);
                row.add("share_of_limit", measured.per_core / yardstick.limit);
                let beyond = 1e6 / measured.per_core - 1e6 / yardstick.limit;
                row.add("us_beyond_limit", beyond);
            }
            row.add("per_core", measured.per_core);
            row.add("us_per_call", 1e6 / measured.per_core);
            row.add("per_second", measured.per_second);
            row.add("wakes_per_call", measured.wakes);
        });
    }

    pub(super) fn connect(&mut self, server: f64, client: f64) {
        self.row("attested connect", |row| {
            row.add("server_cpu_ms", server);
            row.add("client_cpu_ms", client);
        });
    }

    pub(super) fn reconstruct(&mut self, whole: f64, slower: f64) {
        self.row("reconstruct 2 of 4", |row| {
            row.add("round_trips", whole / slower);
            row.add("ms", whole);
            row.add("slower_trip_ms", slower);
        });
    }

    pub(super) fn beside(&mut self, beside: &Beside) {
        self.row("hostile tenant", |row| {
            row.add("times", beside.hostile.p99 / beside.quiet.p99);
            row.add("quiet_p99_ms", beside.quiet.p99);
            row.add("hostile_p99_ms", beside.hostile.p99);
            row.add("quiet_p50_ms", beside.quiet.middle);
            row.add("hostile_p50_ms", beside.hostile.middle);
            row.add("hostile_per_second", beside.answered);
            row.add("refused_per_second", beside.refused);
        });
    }

    /// Of a store of so many keys or entries, and what one more of them costs there.
    pub(super) fn open(&mut self, growth: Growth, size: usize, opened: Opened) {
        let name = growth.name();
        self.row(&format!("open {size} {name}"), |row| {
            row.add("cpu_seconds", opened.cpu_seconds);
            row.add("seconds", opened.seconds);
            row.add("first_use_seconds", opened.first_use_seconds);
            row.add("resident_kib", opened.resident_kib);
            row.add("cpu_us_each", opened.cpu_seconds * 1e6 / size as f64);
            let bytes = opened.resident_kib * 1024.0;
            row.add("resident_bytes_each", bytes / size as f64);
            row.add("disk_bytes_each", opened.disk_bytes as f64 / size as f64);
            row.add("cpu_us_per_mac", opened.use_cpu_us);
        });
    }

    /// What it cost a server to come to this size, with all its snapshots.
    pub(super) fn grown(&mut self, growth: Growth, size: usize, cpu_us: f64, per_second: f64) {
        self.row(&format!("grow to {size} {}", growth.name()), |row| {
            row.add("cpu_us_each", cpu_us);
            row.add("per_second", per_second);
        });
    }

    /// The table and the value.
    pub(super) fn finish(mut self, plan: Plan) -> (String, Value) {
        self.compare(
            "stream over unary 16x16",
            "sign stream 16x16",
            "sign unary 16x16",
        );
        self.compare(
            "stream over unary 64x1",
            "sign stream 64x1",
            "sign unary 64x1",
        );
        let value = json!({
            "machine": machine::describe(),
            "rounds": plan.rounds,
            "seconds_of_a_load": plan.span.as_secs_f64(),
            "scenarios": self.rows.iter().map(Row::value).collect::<Vec<_>>(),
        });
        (self.table(), value)
    }

    /// How many times the rate of one scenario another one has, round by round.
    fn compare(&mut self, name: &str, of: &str, over: &str) {
        let rates = |name: &str| {
            let row = self.rows.iter().find(|row| row.name == name)?;
            let found = row.figures.iter().find(|(figure, _)| *figure == "per_core");
            found.map(|(_, rates)| rates.clone())
        };
        let (Some(of), Some(over)) = (rates(of), rates(over)) else {
            return;
        };
        self.row(name, |row| {
            for (of, over) in of.iter().zip(over) {
                row.add("times", of / over);
            }
        });
    }

    fn table(&self) -> String {
        let mut table = String::new();
        for row in &self.rows {
            let noisy = if row.spread() > NOISE { " NOISY" } else { "" };
            let figures: Vec<String> = row
                .figures
                .iter()
                .filter_map(|(name, _)| Some(format!("{name} {}", figure(row.median(name)?))))
                .collect();
            // Writing to a string does not fail.
            let _ = writeln!(
                table,
                "{:<28} {}  (spread {:.0} %{noisy})",
                row.name,
                figures.join("  "),
                row.spread() * 100.0
            );
        }
        table
    }
}

/// Three significant digits or so.
fn figure(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// The middle one; 0 of nothing.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Largest less smallest, as a share of the median.
fn spread(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::MIN, f64::max);
    let smallest = values.iter().copied().fold(f64::MAX, f64::min);
    let median = median(values.to_vec());
    if median == 0.0 {
        0.0
    } else {
        (largest - smallest) / median
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_the_median_and_its_spread_is_told() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert!((spread(&[1.0, 2.0, 3.0]) - 1.0).abs() < 1e-9);
        let mut results = Results::default();
        for (whole, slower) in [(1.1, 1.0), (1.2, 1.0), (1.9, 1.0)] {
            results.reconstruct(whole, slower);
        }
        let (table, value) = results.finish(Plan::quick());
        assert!(table.contains("NOISY"));
        assert_eq!(value["scenarios"][0]["round_trips"], json!(1.2));
        assert_eq!(
            value["scenarios"][0]["rounds"]["ms"],
            json!([1.1, 1.2, 1.9])
        );
    }
}
