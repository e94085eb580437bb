//! JUnit XML, which every CI system reads: a suite for each client, a case for each event.
//!
//! A wrong answer is a failure, what could not be run an error, what does not apply is skipped; nothing is left out silently.

use super::escape::Safe;
use super::words::{brief, full_name, kind, sentence};
use crate::verdict::{ClientVerdict, EventVerdict, Outcome, Trial};

/// The whole run as JUnit XML.
pub fn junit(trial: &Trial) -> String {
    let suites: String = trial.clients.iter().map(suite).collect();
    let seconds = trial.took_ms as f64 / 1_000.0;
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"keepsight-trial seed {}\" time=\"{seconds:.3}\">\n{suites}</testsuites>\n",
        trial.seed
    )
}

fn suite(client: &ClientVerdict) -> String {
    let name = full_name(client);
    let cases: String = match &client.left_out {
        Some(why) => {
            case(&name, "all events", &format!("<skipped message=\"left out: {}\"/>", Safe(why)), "")
        }
        None => client.events.iter().map(|event| one_event(&name, event)).collect(),
    };
    let ended =
        |what: fn(&Outcome) -> bool| client.events.iter().filter(|event| what(&event.outcome)).count();
    let left_out = usize::from(client.left_out.is_some());
    format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n{cases}  </testsuite>\n",
        Safe(&name),
        client.events.len() * (1 - left_out) + left_out,
        ended(is_failure) * (1 - left_out),
        ended(is_error) * (1 - left_out),
        ended(is_skipped) * (1 - left_out) + left_out,
    )
}

fn is_failure(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Wrong | Outcome::Stale | Outcome::Stalled | Outcome::NotHealed)
}

fn is_error(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::NotInjected | Outcome::Broken(_))
}

fn is_skipped(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::NotApplicable(_))
}

fn one_event(client: &str, event: &EventVerdict) -> String {
    let (message, what) = (sentence(event), details(event));
    let ended = match &event.outcome {
        Outcome::Passed => String::new(),
        outcome if is_failure(outcome) => {
            format!(
                "<failure type=\"{}\" message=\"{}\">{}</failure>",
                Safe(&brief(event)),
                Safe(&message),
                Safe(&what)
            )
        }
        outcome if is_skipped(outcome) => format!("<skipped message=\"{}\"/>", Safe(&message)),
        _ => format!("<error type=\"{}\" message=\"{}\"/>", Safe(&brief(event)), Safe(&message)),
    };
    case(client, &event.event, &ended, &counts(event))
}

fn case(client: &str, event: &str, ended: &str, out: &str) -> String {
    let out = if out.is_empty() { String::new() } else { format!("<system-out>{}</system-out>", Safe(out)) };
    format!("    <testcase classname=\"{}\" name=\"{}\">{ended}{out}</testcase>\n", Safe(client), Safe(event))
}

fn counts(event: &EventVerdict) -> String {
    format!(
        "{} calls, {} wrong, {} stale, {} errors, {} stalls, {} cancelled, {} faults injected in {} steps",
        event.operations,
        event.wrong,
        event.stale_after_invalidation,
        event.errors,
        event.stalls,
        event.cancelled,
        event.faults_injected,
        event.steps
    )
}

fn details(event: &EventVerdict) -> String {
    let Some(first) = &event.first_wrong else { return counts(event) };
    let trace: String = first
        .trace
        .iter()
        .map(|line| format!("{:>8} ms {:?} {}: {}\n", line.at_ms, line.what, line.frame, line.text))
        .collect();
    format!(
        "{} after {} ms in step {}\nasked    {}\nexpected {}\ngot      {}\n{trace}replay: {}",
        kind(first.kind),
        first.at_ms,
        first.step,
        first.asked,
        first.expected,
        first.got,
        first.replay
    )
}
