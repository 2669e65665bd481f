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
        2 + 2 + results.time_lines.len(),
        "speed-up, acceptance, rounds"
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
    for row in &results.rows {
        assert!(page.contains(&format!(
            "<td>{:.2}</td><td>{:.3}</td>",
            row.tokens_per_second, row.speed_up
        )));
    }
}

#[test]
fn tags_are_counted_right() {
    assert!(balanced("<p><b>x</b></p><link rel=\"a\">").is_ok());
    assert!(balanced("<p><b>x</p></b>").is_err() && balanced("<p>").is_err());
}
