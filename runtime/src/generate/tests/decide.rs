use super::*;

fn offer(drafts: usize, strategy: &str) -> Offer {
    Offer {
        drafts,
        strategy: strategy.into(),
        has_drafter: true,
        widest: 9,
        prior: Prior::default(),
    }
}

fn decided(offer: &Offer, length: AskedLength, schedule: AskedSchedule) -> Decided {
    decide(offer, Asked { length, schedule }).unwrap()
}

#[test]
fn the_plan_is_followed_unless_asked_otherwise() {
    use AskedLength::{Fixed, Plan};
    let o = offer(3, "overlapped");
    let d = decided(&o, Plan, AskedSchedule::Plan);
    assert_eq!(
        (d.drafting, d.schedule, d.as_planned),
        (Drafting::Fixed(3), Schedule::Overlapped, true)
    );
    let d = decided(&o, Fixed(3), AskedSchedule::Sequential);
    assert_eq!((d.schedule, d.as_planned), (Schedule::Sequential, false));
    let d = decided(&o, Fixed(0), AskedSchedule::Overlapped);
    assert_eq!((d.schedule, d.as_planned), (Schedule::Sequential, false));
    let d = decided(&offer(0, "none"), Plan, AskedSchedule::Plan);
    assert_eq!((d.drafting, d.as_planned), (Drafting::Fixed(0), true));
}

#[test]
fn lengths_that_change_stay_within_one_call_of_the_target() {
    let of = |drafts, length| {
        decided(&offer(drafts, "sequential"), length, AskedSchedule::Plan).drafting
    };
    assert_eq!(
        of(0, AskedLength::Adaptive),
        Drafting::Heuristic { first: 4, max: 8 }
    );
    assert_eq!(
        of(12, AskedLength::Adaptive),
        Drafting::Heuristic { first: 12, max: 12 }
    );
    let (kappa, lambda, max) = (0.2, 0.4, 8);
    let entropy = AskedLength::Entropy { kappa, lambda };
    assert_eq!(of(2, entropy), Drafting::Entropy { max, kappa, lambda });
    for (planned, max) in [(2, 8), (12, 12)] {
        let auto = of(planned, AskedLength::Auto { measure: true });
        assert_eq!(auto, Drafting::Goodput(Goodput::new(max)));
    }
}

#[test]
fn drafts_need_a_drafter() {
    let alone = Offer {
        has_drafter: false,
        ..offer(0, "none")
    };
    let of = |length| {
        let schedule = AskedSchedule::Plan;
        decide(&alone, Asked { length, schedule }).map(|d| (d.drafting, d.as_planned))
    };
    assert_eq!(of(AskedLength::Fixed(2)), Err(NeedsDrafter("2".into())));
    assert_eq!(
        of(AskedLength::Adaptive),
        Err(NeedsDrafter("adaptive".into()))
    );
    for length in [AskedLength::Plan, AskedLength::Auto { measure: true }] {
        assert_eq!(of(length), Ok((Drafting::Fixed(0), true)));
    }
}

#[test]
fn pipelined_plans_are_decoded_sequentially_and_it_is_said() {
    let o = offer(3, "pipelined");
    let d = decided(&o, AskedLength::Plan, AskedSchedule::Plan);
    assert_eq!(
        (d.schedule, d.as_planned, d.note.is_some()),
        (Schedule::Sequential, false, true)
    );
}

fn plan(gamma: u32, strategy: &str) -> Plan {
    let plan = serde_json::json!({"gamma": gamma, "strategy": strategy, "speed_up": 1.5, "tokens_per_second": 17.5,
        "acceptance": 0.5, "baseline_tokens_per_second": 20.0});
    serde_json::from_value(plan).unwrap()
}

/// A round of two drafts has 1 + 1/2 + 1/4 tokens, so it takes 100 ms; a token alone takes 50 ms: 25 ms are left for each draft.
#[test]
fn a_plan_is_a_prior() {
    let p = prior(&plan(2, "sequential"));
    assert_eq!(
        (p.draft_length, p.survival.as_slice()),
        (Some(2), &[0.5][..])
    );
    assert_eq!(p.target, [(1, 0.05)]);
    assert_eq!((p.drafter.len(), p.drafter[0].0), (1, 1));
    assert!((p.drafter[0].1 - 0.025).abs() < 1e-12);
    assert_eq!(prior(&plan(2, "overlapped")).drafter, []);
    let none = prior(&plan(0, "none"));
    assert_eq!(
        (none.draft_length, none.drafter.as_slice()),
        (Some(0), &[][..])
    );
    let mut silent = plan(2, "sequential");
    (silent.acceptance, silent.baseline_tokens_per_second) = (None, Some(f64::INFINITY));
    let p = prior(&silent);
    assert!(p.survival.is_empty() && p.target.is_empty() && p.drafter.is_empty());
}
