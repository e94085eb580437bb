//! The run as one page that needs nothing else: no script, no font, no picture from elsewhere. It is well-formed XML too, which its test uses.

use super::client::one_client;
use super::escape::{Safe, anchor};
use super::words::{Tone, Totals, brief, count, count_or_dash, duration, events, find, full_name, patience};
use crate::verdict::{ClientVerdict, EventVerdict, Trial};

/// The whole run as HTML.
pub fn html(trial: &Trial) -> String {
    let run: Vec<&ClientVerdict> = trial.clients.iter().filter(|client| client.left_out.is_none()).collect();
    let style = include_str!("page.css");
    let clients: String = run.iter().map(|client| one_client(client)).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>Cache clients on trial, seed {seed}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{head}<main>\n{matrix}{totals}{legend}{clients}{left_out}</main>\n</body>\n</html>\n",
        seed = trial.seed,
        head = head(trial, &run),
        matrix = matrix(trial, &run),
        totals = totals(&run),
        legend = legend(),
        left_out = left_out(trial),
    )
}

fn head(trial: &Trial, run: &[&ClientVerdict]) -> String {
    format!(
        "<header>\n<h1>Cache clients on trial</h1>\n<p class=\"lead\">{}</p>\n\
         <p class=\"quiet\">{} behind a fault proxy, seed {}, kit {}, {}, {}.</p>\n<code class=\"command\">{}</code>\n</header>\n",
        Safe(&lead(run)),
        Safe(&trial.server),
        trial.seed,
        Safe(&trial.kit),
        date(trial.started_unix_ms),
        duration(trial.took_ms),
        Safe(&trial.command)
    )
}

/// What the page says, for somebody who reads one sentence.
fn lead(run: &[&ClientVerdict]) -> String {
    let judged: u64 = run.iter().map(|client| Totals::of(client).operations).sum();
    let (mixed, clean): (Vec<&&ClientVerdict>, Vec<_>) =
        run.iter().partition(|client| Totals::of(client).wrong > 0);
    let who = match (mixed.len(), clean.len()) {
        (0, _) => "None of them took a wrong answer for right.".to_owned(),
        (1 | 2, _) | (_, 0) => format!("{} took wrong answers for right.", all_of(&mixed)),
        (some, _) => {
            format!("{some} of them took wrong answers for right; {} did not.", all_of(&clean))
        }
    };
    format!("{} clients, {} judged answers. {who}", run.len(), count(judged))
}

fn all_of(clients: &[&&ClientVerdict]) -> String {
    let names: Vec<String> = clients.iter().map(|client| full_name(client)).collect();
    match &names[..] {
        [many @ .., last] if !many.is_empty() => format!("{} and {last}", many.join(", ")),
        _ => names.concat(),
    }
}

fn date(unix_ms: i64) -> String {
    let day =
        jiff::Timestamp::from_millisecond(unix_ms).map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
    day.unwrap_or_else(|_| "at an unknown time".into())
}

/// How an outcome is shown, besides its words.
pub fn cell_class(event: &EventVerdict) -> &'static str {
    match Tone::of(&event.outcome) {
        Tone::Good => "good-cell",
        Tone::Wrong => "wrong-cell",
        Tone::Poor => "poor-cell",
        Tone::None => "none-cell",
    }
}

fn matrix(trial: &Trial, run: &[&ClientVerdict]) -> String {
    let heading = |client: &&ClientVerdict| {
        let name = full_name(client);
        let (label, version) = name.rsplit_once(' ').unwrap_or((&name, ""));
        format!(
            "<th scope=\"col\"><a href=\"#{}\">{}</a> <span class=\"quiet\">{}</span></th>",
            anchor(&[&client.name]),
            Safe(label),
            Safe(version)
        )
    };
    let row = |event: &str| {
        let about =
            run.iter().find_map(|client| find(client, event)).map_or("", |found| found.about.as_str());
        let cells: String = run.iter().map(|client| cell(client, event)).collect();
        format!("<tr><th scope=\"row\" title=\"{}\">{}</th>{cells}</tr>\n", Safe(about), Safe(event))
    };
    section(
        "events",
        "Every client in every event",
        &format!(
            "<div class=\"scroll\" role=\"region\" aria-label=\"Every client in every event\" tabindex=\"0\"><table class=\"matrix\"><thead><tr><th scope=\"col\">Event</th>{}</tr></thead><tbody>\n{}</tbody></table></div>\n",
            run.iter().map(heading).collect::<String>(),
            events(&trial.clients).into_iter().map(row).collect::<String>()
        ),
    )
}

fn cell(client: &ClientVerdict, event: &str) -> String {
    let Some(verdict) = find(client, event) else {
        return "<td class=\"none-cell\"><a>not run</a></td>".into();
    };
    let href = anchor(&[&client.name, event]);
    let (class, words) = (cell_class(verdict), brief(verdict));
    format!("<td class=\"{class}\"><a href=\"#{href}\">{}</a></td>", Safe(&words))
}

/// A part of the page with its heading.
pub fn section(id: &str, title: &str, body: &str) -> String {
    format!(
        "<section aria-labelledby=\"{id}-h\" id=\"{id}\">\n<h2 id=\"{id}-h\">{}</h2>\n{body}</section>\n",
        Safe(title)
    )
}

fn totals(run: &[&ClientVerdict]) -> String {
    let headings = [
        "Calls",
        "Answers judged",
        "From the server",
        "Wrong",
        "Stale",
        "Double leases",
        "Errors",
        "Stalls",
        "Slowest healing",
    ];
    let heads: String =
        headings.iter().map(|text| format!("<th scope=\"col\" class=\"number\">{text}</th>")).collect();
    let row = |client: &&ClientVerdict| {
        let sum = Totals::of(client);
        let cells = [
            (count(sum.operations), false),
            (count(sum.answers), false),
            (count(sum.from_server), false),
            (count(sum.wrong), sum.wrong > 0),
            (count(sum.stale), sum.is_stale),
            (count_or_dash(sum.double_lease), sum.double_lease.is_some_and(|leases| leases > 0)),
            (count(sum.errors), false),
            (count(sum.stalls), false),
            (sum.healing(), sum.never_healed > 0),
        ];
        let cells: String = cells
            .iter()
            .map(|(text, bad)| {
                format!("<td class=\"number{}\">{}</td>", if *bad { " bad" } else { "" }, Safe(text))
            })
            .collect();
        format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", Safe(&full_name(client)))
    };
    section(
        "totals",
        "What it adds up to",
        &format!(
            "<p class=\"quiet\">Errors are allowed: a client that does not know should say so. A wrong answer is not, and neither is one that is stale after an acknowledged invalidation, unless the server itself went back in time. Not healed means: not healthy again within {} of the fault's end; some clients wait longer on purpose, behind a circuit breaker.</p>\n\
             <div class=\"scroll\" role=\"region\" aria-label=\"Totals\" tabindex=\"0\"><table><thead><tr><th scope=\"col\">Client</th>{heads}</tr></thead><tbody>\n{}</tbody></table></div>\n",
            patience(),
            run.iter().map(row).collect::<String>()
        ),
    )
}

fn legend() -> String {
    let items = [
        (
            "<path class=\"good-area\" d=\"M0 5H28V16H0Z\"/><path class=\"good\" d=\"M0 5H28\"/>",
            "good answers per second",
        ),
        ("<path class=\"errors\" d=\"M0 9H28\"/>", "errors and stalls per second"),
        (
            "<g class=\"wrong\"><rect x=\"11\" y=\"8\" width=\"6\" height=\"8\"/><path d=\"M14 7l-3.5 -6h7z\"/></g>",
            "wrong answers, never drawn too small to see",
        ),
        ("<rect class=\"fault\" width=\"28\" height=\"16\"/>", "the fault is on"),
        ("<path class=\"healthy\" d=\"M14 0V16\"/>", "healthy again"),
    ];
    let item = |(drawing, words): (&str, &str)| {
        format!("<li><svg viewBox=\"0 0 28 16\" aria-hidden=\"true\">{drawing}</svg>{words}</li>")
    };
    section(
        "reading",
        "How to read the charts",
        &format!("<ul class=\"legend\">{}</ul>\n", items.into_iter().map(item).collect::<String>()),
    )
}

fn left_out(trial: &Trial) -> String {
    let item = |client: &ClientVerdict| {
        client.left_out.as_ref().map(|why| format!("<li>{}: {}</li>\n", Safe(&full_name(client)), Safe(why)))
    };
    let items: String = trial.clients.iter().filter_map(item).collect();
    if items.is_empty() { items } else { section("left-out", "Left out", &format!("<ul>\n{items}</ul>\n")) }
}
