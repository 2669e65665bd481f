use super::*;
use crate::{acceptance, toy};
use spec_cost::{Acceptance, AcceptanceFilter};
use spec_runtime::sampling::Sampling;

fn mode() -> Mode {
    Mode {
        max_tokens: 40,
        sampling: Sampling::Greedy,
        seed: 0,
        repeats: 1,
    }
}

fn names() -> [Option<(String, String)>; 2] {
    ["i4g32", "i8"].map(|d| Some(("t:f16".to_owned(), format!("d:{d}"))))
}

fn series_of(drafter: &str, task: &str) -> Series {
    Series {
        target: "t:f16".to_owned(),
        drafter: drafter.to_owned(),
        mode: "greedy".to_owned(),
        task: task.to_owned(),
    }
}

#[test]
fn acceptance_of_a_pair_is_found() {
    let bundles = [toy::bundle("errs", 4), toy::bundle("right", 0)];
    let prompts = toy::prompts(2);
    let lengths = toy::lengths(&[0, 1, 3]);
    let mut ticks = 0;
    let samples = samples(&bundles, &prompts, &lengths, &mode(), |_| ticks += 1);
    let samples = samples.expect("measured");
    assert_eq!(ticks, 2 * 3, "bundles, prompts");
    assert_eq!(
        samples.len(),
        2 * 3 * 2,
        "bundles, prompts, draft lengths above 0"
    );
    let table = table(&samples, &names(), "greedy");
    let text = acceptance::to_csv(&table).expect("text");
    let read = |drafter: &str, task: Option<&str>| {
        let filter = AcceptanceFilter {
            target: Some("t:f16".to_owned()),
            drafter: Some(drafter.to_owned()),
            mode: Some("greedy".to_owned()),
            task: task.map(str::to_owned),
        };
        Acceptance::parse_csv(&text, "acceptance.csv", &filter).expect(&text)
    };
    assert_eq!(read("d:i8", None).tokens_per_round(3), 4.0, "it never errs");
    // wrong at every fourth position: after a miss three drafts stand
    let erring = read("d:i4g32", Some("code"));
    let survival = erring.survival(3);
    assert!(
        survival.iter().all(|s| *s > 0.5 && *s <= 1.0),
        "{survival:?}"
    );
    assert!(erring.tokens_per_round(3) < 4.0);
    let nothing = super::samples(&bundles, &prompts, &toy::lengths(&[0]), &mode(), |_| ());
    let nothing = nothing.err().expect("no drafts").to_string();
    assert!(nothing.contains("--keep-drafter"), "{nothing}");
}

/// With a temperature drafts are accepted by chance, so rounds are really made.
#[test]
fn sampled_acceptance_is_that_of_rounds() {
    let bundles = [toy::bundle("errs", 4)];
    let mode = Mode {
        sampling: Sampling::Random {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
        },
        ..mode()
    };
    let (prompts, lengths) = (toy::prompts(1), toy::lengths(&[2]));
    let found = samples(&bundles, &prompts, &lengths, &mode, |_| ()).expect("measured");
    let table = table(&found, &names(), "t1");
    let rounds: Vec<u64> = table.values().map(|l| l[&2].count()).collect();
    assert_eq!(rounds.len(), 3, "all, chat, code");
    assert!(rounds.iter().all(|n| *n > 5), "{rounds:?}");
}

fn sample(task: &str, accepted: &[usize]) -> Sample {
    let mut rounds = Rounds::new(2);
    accepted.iter().for_each(|n| rounds.count_in(*n));
    Sample {
        bundle: 0,
        task: task.to_owned(),
        gamma: 2,
        rounds,
    }
}

#[test]
fn errors_are_those_of_the_lines() {
    let mut all = vec![];
    for i in 0..40 {
        all.push(sample("chat", &[0, i % 3, 2]));
        all.push(sample("code", &[2, 2, 2]));
    }
    let names = names();
    let table = table(&all, &names, "greedy");
    let lines = lines(&all, &table, &names, "greedy");
    let of = |task: &str| lines.iter().find(|l| l.series.task == task).expect("there");
    assert_eq!((of("chat").rounds, of("all").rounds), (120, 240));
    assert_eq!(of("code").standard_error, Some(0.0), "all prompts alike");
    // of a mean of 40 numbers (0 + i % 3 + 2) / 3
    let chat = of("chat").standard_error.expect("40 prompts");
    let expected = (2.0_f64 / 3.0).sqrt() / 3.0 / 40.0_f64.sqrt();
    assert!((chat / expected - 1.0).abs() < 0.1, "{chat} {expected}");
    let pooled = of("all").standard_error.expect("80 prompts");
    assert!(
        (pooled / chat - 0.5).abs() < 0.05,
        "half of the rounds: {pooled} {chat}"
    );

    let calibration = Calibration {
        tool: "spec-bench".to_owned(),
        prompts: "80 prompts".to_owned(),
        max_tokens: 9,
        lines: lines.clone(),
    };
    let json = serde_json::to_string(&calibration).expect("JSON");
    let again: Calibration = serde_json::from_str(&json).expect("the same");
    assert_eq!(again, calibration);
    let tokens = of("chat").tokens_per_round;
    let find = |drafter, task, gamma, tokens| {
        calibration.relative_error(&series_of(drafter, task), gamma, tokens)
    };
    assert_eq!(find("d:i4g32", "chat", 2, tokens), Some(chat / tokens));
    assert_eq!(
        find("another", "chat", 2, tokens),
        Some(chat / tokens),
        "the only one"
    );
    assert_eq!(find("d:i4g32", "chat", 3, tokens), None);
    assert_eq!(find("d:i4g32", "poems", 2, tokens), None);
    assert_eq!(
        find("d:i4g32", "chat", 2, tokens + 0.1),
        None,
        "another calibration"
    );
}
