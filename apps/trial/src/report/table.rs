//! Tables for a terminal: every client in every event, then all clients side by side, then what they add up to.
//!
//! Plain text and no colour, so that a log shows the same.

use std::fmt::Write;

use super::words::{Totals, brief, count, count_or_dash, events, find, full_name, healing, rate, was_run};
use crate::verdict::{ClientVerdict, EventVerdict, Outcome, Trial};

/// The whole run as text.
pub fn table(trial: &Trial) -> String {
    let mut out = String::new();
    for client in &trial.clients {
        writeln!(out, "{}", one_client(client)).expect("a String takes everything");
    }
    let run: Vec<_> = trial.clients.iter().filter(|client| client.left_out.is_none()).collect();
    printable(&(out + &side_by_side(&run) + "\n" + &totals(&run) + &left_out(trial)))
}

fn one_client(client: &ClientVerdict) -> String {
    if let Some(why) = &client.left_out {
        return format!("{}: left out: {why}\n", full_name(client));
    }
    let mut grid = Grid::new(&[
        "event",
        ">calls",
        ">wrong",
        ">stale",
        ">2 leases",
        ">errors",
        ">stalls",
        ">faults",
        ">healthy in",
        ">good/s before",
        ">during",
        ">after",
        "outcome",
    ]);
    for event in &client.events {
        grid.row(one_event(event));
    }
    let notes = client.events.iter().filter_map(note).collect::<String>();
    format!("{}\n{}{notes}", full_name(client), grid.text())
}

fn one_event(event: &EventVerdict) -> Vec<String> {
    let number = |number: u64| if was_run(event) { count(number) } else { "-".into() };
    let rate = |value: f64| if was_run(event) { rate(value) } else { "-".into() };
    vec![
        event.event.clone(),
        number(event.operations),
        number(event.wrong),
        number(event.stale_after_invalidation),
        count_or_dash(event.double_lease.filter(|_| was_run(event))),
        number(event.errors),
        number(event.stalls),
        number(event.faults_injected),
        healing(event),
        rate(event.goodput.before),
        rate(event.goodput.during),
        rate(event.goodput.after),
        brief(event),
    ]
}

fn note(event: &EventVerdict) -> Option<String> {
    let first = event.first_wrong.as_ref().map(|first| {
        format!("    {}: asked {}, got {}\n      {}\n", event.event, first.asked, first.got, first.replay)
    });
    match &event.outcome {
        Outcome::NotApplicable(why) | Outcome::Broken(why) => Some(format!("    {}: {why}\n", event.event)),
        _ => first,
    }
}

fn side_by_side(clients: &[&ClientVerdict]) -> String {
    let letters: Vec<String> = (0..clients.len()).map(letter).collect();
    let headings: Vec<&str> = std::iter::once("event").chain(letters.iter().map(String::as_str)).collect();
    let mut grid = Grid::new(&headings);
    let all: Vec<ClientVerdict> = clients.iter().map(|client| (*client).clone()).collect();
    for event in events(&all) {
        let cells = clients.iter().map(|client| find(client, event).map_or_else(|| "-".into(), brief));
        grid.row(std::iter::once(event.to_owned()).chain(cells).collect());
    }
    grid.text()
}

fn totals(clients: &[&ClientVerdict]) -> String {
    let mut grid = Grid::new(&[
        "",
        "client",
        ">calls",
        ">answers",
        ">from server",
        ">wrong",
        ">stale",
        ">2 leases",
        ">errors",
        ">stalls",
        ">slowest healing",
    ]);
    for (at, client) in clients.iter().enumerate() {
        let sum = Totals::of(client);
        grid.row(vec![
            letter(at),
            full_name(client),
            count(sum.operations),
            count(sum.answers),
            count(sum.from_server),
            count(sum.wrong),
            count(sum.stale),
            count_or_dash(sum.double_lease),
            count(sum.errors),
            count(sum.stalls),
            sum.healing(),
        ]);
    }
    grid.text()
}

fn left_out(trial: &Trial) -> String {
    let why = |client: &ClientVerdict| {
        client.left_out.as_ref().map(|why| format!("left out: {}: {}\n", full_name(client), why))
    };
    trial.clients.iter().filter_map(why).collect()
}

/// A, B, .. Z, then 27, 28, ..
fn letter(at: usize) -> String {
    u8::try_from(at)
        .ok()
        .filter(|at| *at < 26)
        .map_or_else(|| (at + 1).to_string(), |at| char::from(b'A' + at).to_string())
}

/// Replies can hold anything, also what moves a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// Cells in columns as wide as their widest cell. A heading that begins with `>` is a column of numbers.
struct Grid {
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    fn new(headings: &[&str]) -> Self {
        let right = headings.iter().map(|heading| heading.starts_with('>')).collect();
        let texts = headings.iter().map(|heading| heading.trim_start_matches('>').to_owned()).collect();
        Self { right, rows: vec![texts] }
    }

    fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| cell.replace('\n', " ")).collect());
    }

    fn text(&self) -> String {
        let width =
            |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.right.len()).map(width).collect();
        self.rows.iter().map(|row| self.line(row, &widths)).collect()
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::from(" ");
        for ((cell, width), right) in row.iter().zip(widths).zip(&self.right) {
            let cell = if *right { format!(" {cell:>width$} ") } else { format!(" {cell:<width$} ") };
            line.push_str(&cell);
        }
        line.trim_end().to_owned() + "\n"
    }
}
