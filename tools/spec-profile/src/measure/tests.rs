use super::*;
use crate::statistics::Budget;
use spec_runtime::forward::check;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A model that sleeps `micros` microseconds a token, and notes its calls.
struct Toy {
    widths: Vec<usize>,
    micros: u64,
    calls: Arc<Mutex<Vec<(usize, usize, usize)>>>,
}

impl Forward for Toy {
    fn vocabulary(&self) -> usize {
        8
    }
    fn context(&self) -> usize {
        64
    }
    fn widths(&self) -> &[usize] {
        &self.widths
    }
    fn forward(
        &mut self,
        tokens: &[u32],
        position: usize,
        rows: usize,
        logits: &mut Vec<f32>,
    ) -> Result<CallTime, ForwardError> {
        check(8, 64, tokens, position, rows)?;
        let run = Duration::from_micros(self.micros * tokens.len() as u64);
        std::thread::sleep(run);
        *logits = vec![0.0; rows * 8];
        self.calls
            .lock()
            .expect("not poisoned")
            .push((tokens.len(), position, rows));
        let handoff = Duration::from_micros(3 + 2 * rows as u64);
        Ok(CallTime { run, handoff })
    }
}

type Calls = Arc<Mutex<Vec<(usize, usize, usize)>>>;

fn subject(role: Role, widths: &[usize], gpu: bool) -> (Subject, Calls) {
    let calls = Arc::new(Mutex::new(vec![]));
    let toy = Toy {
        widths: widths.to_vec(),
        micros: 100,
        calls: Arc::clone(&calls),
    };
    let subject = Subject {
        bundle: "toy".to_owned(),
        role,
        model: "toy".to_owned(),
        parameters: Some(1000),
        unit: if gpu { "gpu" } else { "cpu" }.to_owned(),
        gpu,
        cores: 1,
        dtype: "f16".to_owned(),
        forward: Box::new(toy),
    };
    (subject, calls)
}

const BUDGET: Budget = Budget {
    time: Duration::ZERO,
    warm_up: 1,
    least: 3,
    most: 3,
};

#[test]
fn contexts_leave_room() {
    assert_eq!(contexts(1024, 9), [16, 507, 1015]);
    assert_eq!(contexts(20, 9), [5, 11]);
    assert_eq!(contexts(4, 9), [0]);
}

#[test]
fn every_width_and_context_is_measured_in_turns() {
    let (target, calls) = subject(Role::Target, &[1, 5], false);
    let (drafter, _) = subject(Role::Drafter, &[1, 2], false);
    let mut subjects = [target, drafter];
    let cells = cells(&subjects, &[4, 40, 63]).expect("room");
    assert_eq!(cells.len(), 8, "63 leaves no room for the widest call");
    let mut ticks = 0;
    let measured = measure(&mut subjects, &cells, &BUDGET, || ticks += 1).expect("measured");
    assert_eq!((measured.len(), ticks), (8, 8 * 4));
    let wide = measured
        .iter()
        .find(|m| m.subject == 0 && m.m == 5 && m.s == 40);
    let wide = wide.expect("measured");
    assert_eq!((wide.run.median, wide.run.count), (500e-6, 3));
    assert!(wide.whole.median >= wide.run.median, "{wide:?}");
    let calls = calls.lock().expect("not poisoned");
    // the cache is filled once; then calls of one token come in fours, and verifications in pairs around drafts
    let narrow = calls.iter().skip(1).filter(|(m, ..)| *m == 1).count();
    let wide = calls.iter().skip(1).filter(|(m, ..)| *m == 5).count();
    assert_eq!((narrow, wide), (4 * 2 * 4, 2 * 2 * 4));
    let first = calls.first().copied();
    assert!(
        first.is_some_and(|(m, s, _)| s == 0 && m >= 40),
        "the cache is filled first: {first:?}"
    );
    assert!(
        calls.iter().skip(1).all(|(m, _, rows)| m == rows),
        "a target's rows are all read"
    );
}

/// A drafter that is slow after a target's call is charged to the verification.
#[test]
fn a_verification_pays_for_the_cold_draft_after_it() {
    struct Shared(Role, Arc<Mutex<Role>>);
    impl Forward for Shared {
        fn vocabulary(&self) -> usize {
            8
        }
        fn context(&self) -> usize {
            64
        }
        fn widths(&self) -> &[usize] {
            &[1, 3]
        }
        fn forward(
            &mut self,
            _: &[u32],
            _: usize,
            rows: usize,
            logits: &mut Vec<f32>,
        ) -> Result<CallTime, ForwardError> {
            let mut last = self.1.lock().expect("not poisoned");
            let cold = self.0 == Role::Drafter && *last == Role::Target;
            *last = self.0;
            *logits = vec![0.0; rows * 8];
            let run = Duration::from_millis(if cold { 7 } else { 2 });
            Ok(CallTime {
                run,
                handoff: Duration::ZERO,
            })
        }
    }
    let last = Arc::new(Mutex::new(Role::Target));
    let mut subjects = [Role::Drafter, Role::Target].map(|role| Subject {
        forward: Box::new(Shared(role, Arc::clone(&last))),
        ..subject(role, &[1], false).0
    });
    let cells = cells(&subjects, &[4]).expect("room");
    let partners = partners(&subjects);
    assert_eq!(partners, [None, Some(0)]);
    // the toy's clock does not run: only `run` is looked at
    let found = cells.iter().map(|cell| {
        let found = sample(&mut subjects, &partners, *cell, &mut vec![]).expect("a call");
        ((cell.subject, cell.m), (found.run * 1e3).round())
    });
    let found: Vec<_> = found.collect();
    // a cold draft, a warm one and the verification
    let expected = [((0, 1), 2.0), ((0, 3), 2.0), ((1, 1), 2.0), ((1, 3), 11.0)];
    assert_eq!(found, expected);
    let one = |subject, m, ms: f64| {
        let value = Summary::of(&[ms * 1e-3]).expect("a number");
        Measured {
            subject,
            m,
            s: 4,
            whole: value,
            run: value,
            handoff: value,
        }
    };
    let mut measured = [one(0, 1, 2.0), one(1, 1, 2.0), one(1, 3, 11.0)];
    take_drafts_off(&mut measured, &partners);
    let left = measured.map(|m| (m.run.median * 1e3).round());
    assert_eq!(left, [2.0, 2.0, 7.0]);
}

#[test]
fn a_context_without_room_is_refused() {
    let (target, _) = subject(Role::Target, &[1, 9], false);
    let error = cells(&[target], &[60])
        .expect_err("60 + 9 > 64")
        .to_string();
    assert!(
        error.contains("[60]") && error.contains("9 tokens in a cache of 64"),
        "{error}"
    );
}

#[test]
fn a_failing_call_says_where() {
    let (target, _) = subject(Role::Target, &[1], false);
    let cell = Cell {
        subject: 0,
        m: 1,
        s: 64,
        rows: 1,
    };
    let error = measure(&mut [target], &[cell], &BUDGET, || ()).expect_err("no room");
    assert!(
        error
            .to_string()
            .contains("toy (target): a call of 1 tokens at position 64"),
        "{error}"
    );
}

#[test]
fn rows_of_a_gpu_have_no_cores_and_hand_offs_on_demand() {
    let (target, _) = subject(Role::Target, &[1, 5], true);
    let mut subjects = [target];
    let cells = cells(&subjects, &[0, 9]).expect("room");
    let measured = measure(&mut subjects, &cells, &BUDGET, || ()).expect("measured");
    let file = rows(&subjects, &measured, "cpu", HandoffMode::Included);
    assert!(file.handoff.is_empty());
    assert!(
        file.latency
            .iter()
            .all(|r| r.key.cores.is_none() && r.key.model.is_none())
    );
    let file = rows(&subjects, &measured, "cpu", HandoffMode::Rows);
    let handoffs: Vec<(u64, u64)> = file
        .handoff
        .iter()
        .map(|h| (h.bytes, (h.seconds * 1e6).round() as u64))
        .collect();
    assert_eq!(handoffs, [(32, 5), (160, 13)]);
    let wide = file.latency.iter().find(|r| r.key.m == 5).expect("there");
    assert_eq!(wide.seconds, 500e-6, "the run alone");
}

/// The cost model finds the rows that were measured: the target at its widths, on its unit, in its type.
#[test]
fn the_cost_model_plans_with_it() {
    use spec_cost::{
        Acceptance, Architecture, ModelShape, Problem, Profile, SearchOptions, Soc, search,
    };
    let (target, _) = subject(Role::Target, &[1], false);
    let mut subjects = [target];
    let cells = cells(&subjects, &[0, 60]).expect("room");
    let measured = measure(&mut subjects, &cells, &BUDGET, || ()).expect("measured");
    let text = rows(&subjects, &measured, "cpu", HandoffMode::Included).to_toml();
    let profile = Profile::parse(&text, "p.toml").expect(&text);
    let shape = Architecture::load("smollm2-135m").expect("built in");
    let shape = ModelShape::from_architecture(&shape).with_dtype(spec_cost::DType::F16);
    let acceptance = Acceptance::constant(0.0, "none".to_owned()).expect("a rate");
    let options = SearchOptions {
        context: (30, 30),
        force_target: Some("cpu:1:f16".parse().expect("a pin")),
        ..SearchOptions::default()
    };
    let outcome = search(&Problem {
        soc: &Soc::load("host").expect("built in"),
        target: &shape,
        drafter: None,
        acceptance: &acceptance,
        profile: Some(&profile),
        options: &options,
    });
    let best = outcome.expect("a plan").best;
    assert!(best.measured, "{best:?}");
    let medians: Vec<f64> = measured.iter().map(|m| m.whole.median).collect();
    let mean = medians.iter().sum::<f64>() / 2.0;
    assert!(
        (best.verify_seconds - mean).abs() < 0.2 * mean,
        "{} {mean}",
        best.verify_seconds
    );
}

/// A profile of two bundles with a target each: whoever looks for a module's function finds its model by the number of parameters.
#[test]
fn rows_of_several_bundles_serve_their_own_models() {
    use spec_cost::{
        Acceptance, Architecture, ModelShape, Pin, Problem, Profile, SearchOptions, Soc, Strategy,
        evaluate,
    };
    let shape = Architecture::load("smollm2-135m").expect("built in");
    let shape = ModelShape::from_architecture(&shape).with_dtype(spec_cost::DType::F16);
    let mut subjects = [1000, shape.parameters].map(|parameters| Subject {
        bundle: format!("bundle-{parameters}"),
        model: format!("checkpoint {parameters}"),
        parameters: Some(parameters),
        ..subject(Role::Target, &[1], false).0
    });
    let cells = cells(&subjects, &[4]).expect("room");
    let mut measured = measure(&mut subjects, &cells, &BUDGET, || ()).expect("measured");
    for m in &mut measured {
        m.whole.median = if m.subject == 1 { 0.25 } else { 0.5 };
    }
    let text = rows(&subjects, &measured, "cpu", HandoffMode::Included).to_toml();
    let profile = Profile::parse(&text, "p.toml").expect(&text);
    let target: Pin = "cpu:1:f16".parse().expect("a pin");
    let seconds = |name: &str, parameters: u64| {
        let problem = Problem {
            soc: &Soc::load("host").expect("built in"),
            target: &ModelShape {
                name: name.to_owned(),
                parameters,
                ..shape.clone()
            },
            drafter: None,
            acceptance: &Acceptance::constant(0.0, "none".to_owned()).expect("a rate"),
            profile: Some(&profile),
            options: &SearchOptions {
                context: (4, 4),
                ..SearchOptions::default()
            },
        };
        let found = evaluate(&problem, None, &target, Strategy::Autoregressive, 0);
        found.expect("evaluated").target_step_seconds
    };
    assert_eq!(seconds("decode", shape.parameters), 0.25, "{text}");
    assert_eq!(seconds("decode", 1000), 0.5, "{text}");
    assert_eq!(seconds("checkpoint 1000", 77), 0.5, "a bundle's own name");
}
