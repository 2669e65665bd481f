//! Bundles with weights, whole and damaged. The model is C: small numbers, so that all sums are exact.

mod damage;
mod fixture;
mod refused;

use super::*;
use crate::forward::ForwardError;
use fixture::{Bundled, CONTEXT, VOCABULARY, reference};
use std::error::Error as _;

/// Feeds the tokens in parts of these lengths; all logits.
fn feed(model: &mut dyn Forward, tokens: &[u32], parts: &[usize]) -> Vec<f32> {
    let (mut all, mut logits, mut from) = (vec![], vec![f32::NAN; 3], 0);
    for part in parts {
        let some = &tokens[from..from + part];
        let time = model.forward(some, from, *part, &mut logits);
        assert!(time.expect("a call").total() > std::time::Duration::ZERO);
        all.extend_from_slice(&logits);
        from += part;
    }
    assert_eq!(from, tokens.len());
    all
}

const TOKENS: [u32; 16] = [1, 0, 7, 3, 3, 8, 2, 6, 1, 4, 5, 0, 2, 7, 8, 6];

#[test]
fn logits_do_not_depend_on_how_tokens_are_fed_nor_on_options() {
    let bundle = Bundled::new();
    let wanted = reference(&TOKENS);
    for (huge_pages, verify, pin, threads) in [
        (true, true, true, None),
        (false, true, false, Some(3)),
        (true, false, true, Some(1)),
        (false, false, true, Some(2)),
    ] {
        let options = LoadOptions {
            huge_pages,
            verify,
            pin,
            threads,
            ..LoadOptions::default()
        };
        let loaded = bundle.open(&options).expect("sound");
        for role in [Role::Target, Role::Drafter] {
            let parts: [&[usize]; 4] = [&[16], &[1; 16], &[5, 2, 9], &[3, 3, 3, 3, 3, 1]];
            for parts in parts {
                let mut model = loaded.instance(role, None).expect("room");
                let found = feed(&mut *model, &TOKENS, parts);
                assert_eq!(found, wanted, "{role:?} {parts:?}");
            }
        }
    }
}

#[test]
fn a_bundle_says_what_it_has() {
    let bundle = Bundled::new();
    let options = LoadOptions {
        threads: Some(2),
        ..LoadOptions::default()
    };
    let loaded = bundle.open(&options).expect("sound");
    assert_eq!(
        (loaded.vocabulary(), loaded.context()),
        (VOCABULARY, CONTEXT)
    );
    assert!(loaded.has_drafter());
    assert_eq!(loaded.widths(Role::Target), [1, 3]);
    assert_eq!(loaded.widths(Role::Drafter), [1, 2]);
    assert_eq!(loaded.device(Role::Target).as_deref(), Some("cpu"));
    assert_eq!(loaded.cores(Role::Target), 2);
    let model = loaded.instance(Role::Target, Some(1)).expect("room");
    assert_eq!((model.vocabulary(), model.context()), (VOCABULARY, CONTEXT));
    assert_eq!(model.widths(), [1, 3]);

    let alone = Bundled::changed(|m| {
        let functions = m["functions"].as_array_mut().expect("a list");
        functions.retain(|f| f["role"] == "target");
        functions.iter_mut().for_each(|f| f["role"] = "none".into());
        m["plan"] = serde_json::Value::Null;
    });
    let loaded = alone.open(&options).expect("functions without a role");
    assert_eq!(loaded.widths(Role::Target), [1, 3]);
    assert!(!loaded.has_drafter() && loaded.widths(Role::Drafter).is_empty());
    assert_eq!(
        (loaded.device(Role::Drafter), loaded.cores(Role::Drafter)),
        (None, 0)
    );
    let error = loaded.instance(Role::Drafter, None).err().expect("none");
    assert!(error.to_string().contains("has no drafter"), "{error}");
}

#[test]
fn going_back_is_calling_at_an_earlier_position() {
    let loaded = Bundled::new().open(&LoadOptions::default()).expect("sound");
    let mut model = loaded.instance(Role::Target, None).expect("room");
    let mut logits = vec![];
    model.forward(&[5; 9], 0, 0, &mut logits).expect("room");
    assert!(logits.is_empty());
    model
        .forward(&TOKENS[..4], 0, 1, &mut logits)
        .expect("room");
    assert_eq!(logits, reference(&TOKENS)[3 * VOCABULARY..4 * VOCABULARY]);
    model
        .forward(&TOKENS[2..9], 2, 2, &mut logits)
        .expect("room");
    assert_eq!(logits, reference(&TOKENS)[7 * VOCABULARY..9 * VOCABULARY]);
}

#[test]
fn sessions_run_at_the_same_time() {
    let loaded = Bundled::new().open(&LoadOptions::default()).expect("sound");
    std::thread::scope(|scope| {
        for n in 0..6_usize {
            let loaded = &loaded;
            scope.spawn(move || {
                let role = [Role::Target, Role::Drafter][n % 2];
                let options = InstanceOptions {
                    cores: Some(n % 3 + 1),
                    apart: n >= 4,
                };
                let mut model = loaded.instance_with(role, &options).expect("room");
                let mut tokens = TOKENS;
                tokens.rotate_left(n);
                for _ in 0..50 {
                    let found = feed(&mut *model, &tokens, &[7, 1, 1, 7]);
                    assert_eq!(found, reference(&tokens));
                }
            });
        }
    });
}

#[test]
fn wrong_calls_are_errors_before_the_model_runs() {
    let loaded = Bundled::new().open(&LoadOptions::default()).expect("sound");
    let mut model = loaded.instance(Role::Target, None).expect("room");
    let mut logits = vec![];
    let mut call = |tokens: &[u32], position, rows| {
        model
            .forward(tokens, position, rows, &mut logits)
            .expect_err("wrong")
    };
    assert!(matches!(call(&[], 0, 0), ForwardError::Rows { .. }));
    assert!(matches!(call(&[1], 0, 2), ForwardError::Rows { .. }));
    assert!(matches!(call(&[1], CONTEXT, 1), ForwardError::Room { .. }));
    assert!(matches!(call(&[1; 17], 0, 1), ForwardError::Room { .. }));
    assert!(matches!(
        call(&[1, 1], usize::MAX, 1),
        ForwardError::Room { .. }
    ));
    let token = VOCABULARY as u32;
    assert!(matches!(
        call(&[1, token], 0, 1),
        ForwardError::Token { index: 1, .. }
    ));
    assert!(matches!(
        call(&[u32::MAX], 0, 1),
        ForwardError::Token { index: 0, .. }
    ));
    // tokens that the model itself does not like
    for (token, wanted) in [(9, "outside of the vocabulary"), (10, "an assertion")] {
        let error = call(&[1, token, 2], 0, 1);
        let source = error.source().expect("what the model says").to_string();
        assert!(
            source.contains("target3") && source.contains(wanted),
            "{source}"
        );
    }
    assert_eq!(feed(&mut *model, &TOKENS, &[16]), reference(&TOKENS));
}

#[test]
fn other_types_of_tokens_and_logits() {
    // the drafter's functions read i32 and write f16: those of the target are i64 and f32
    let bundle = Bundled::new();
    let loaded = bundle.open(&LoadOptions::default()).expect("sound");
    let of = |role| {
        let mut all = loaded.manifest().functions.iter();
        let one = all.rfind(|f| f.role == role).expect("there");
        (one.arguments[0].dtype, one.results[0].dtype)
    };
    use crate::manifest::DType;
    assert_eq!(of(Role::Target), (DType::I64, DType::F32));
    assert_eq!(of(Role::Drafter), (DType::I32, DType::Bf16));
}
