use super::*;
use crate::results::tests::sample;

/// Whether every element that is opened is closed, in order.
fn balanced(html: &str) -> Result<(), String> {
    let mut open: Vec<String> = vec![];
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find('>').ok_or("a tag without an end")?;
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(|c| c.is_alphanumeric())
            .collect();
        if tag.starts_with('!') || tag.ends_with('/') || ["meta", "link"].contains(&name.as_str()) {
            continue;
        }
        if tag.starts_with('/') {
            let last = open.pop();
            if last.as_deref() != Some(name.as_str()) {
                return Err(format!("</{name}> closes {last:?}"));
            }
        } else {
            open.push(name);
        }
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(format!("open: {open:?}"))
    }
}

#[test]
fn the_page_is_whole_and_self_contained() {
    let results = sample();
    let page = html(&results);
    balanced(&page).expect("balanced");
    for outside in ["http:", "https:", "<script", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page.matches("<h1>").count(), 1);
    let plots = page.matches("role=\"img\"").count();
    assert_eq!(
        plots,
        2 + 4 + 2 + results.time_lines.len(),
        "speed-up, lengths chosen in the run, acceptance, rounds"
    );
    assert_eq!(page.matches("<figcaption>").count(), plots);
    for label in [
        "draft length, tokens",
        "speed-up, times",
        "acceptance, share",
        "time, ms",
    ] {
        assert!(page.contains(label), "{label}");
    }
    assert!(
        !page.contains("NaN") && !page.contains("inf"),
        "numbers only"
    );
    if let Ok(path) = std::env::var("SPEC_BENCH_SAMPLE") {
        std::fs::write(path, page).expect("written");
    }
}

#[test]
fn names_are_escaped() {
    let page = html(&sample());
    assert!(page.contains("&lt;right&gt;") && !page.contains("<right>"));
    assert!(page.contains("a &quot;note&quot; &amp; more"));
    assert_eq!(escape("<a href='x'>&"), "&lt;a href=&#39;x&#39;&gt;&amp;");
}

#[test]
fn the_table_has_every_number() {
    let results = sample();
    let page = html(&results);
    let cell = |text: String| page.contains(&format!("<td>{text}</td>"));
    let number = |value, error| cell(super::tables::estimate(value, error));
    let percent = |x: f64| cell(super::tables::percent(x));
    for row in &results.rows {
        let m = &row.measured;
        assert!(
            cell(format!("{:.2}", m.tokens_per_second)) && number(m.speed_up, m.standard_error)
        );
        assert!(number(m.tokens_per_round, m.tokens_per_round_error));
        if let Some(p) = row
            .predicted
            .as_ref()
            .filter(|_| row.configuration.draft_length > 0)
        {
            assert!(number(p.speed_up, p.standard_error));
            assert!(percent(p.error) && percent(p.acceptance_error) && percent(p.latency_error));
        }
    }
    for row in results
        .rows
        .iter()
        .filter(|r| r.configuration.draft_length > 0)
    {
        for task in &row.by_task {
            let m = &task.measured;
            assert!(number(m.speed_up, m.standard_error), "{}", task.task);
        }
    }
}

#[test]
fn tags_are_counted_right() {
    assert!(balanced("<p><b>x</b></p><link rel=\"a\">").is_ok());
    assert!(balanced("<p><b>x</p></b>").is_err() && balanced("<p>").is_err());
}
