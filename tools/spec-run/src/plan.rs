//! From the command line and the bundle's plan to what is done.

use crate::args::{DraftLength, Schedule as Asked};
use spec_runtime::draft_length::MAX;
use spec_runtime::generate::{Drafting, Schedule};
use spec_runtime::manifest::{Plan, Role};

/// What a bundle offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Drafts of a round by the plan; 0: none.
    pub drafts: usize,
    /// The plan's strategy; `none` without a plan.
    pub strategy: String,
    /// Whether there is a drafter.
    pub has_drafter: bool,
    /// Most tokens of one call of the target.
    pub widest: usize,
}

/// How to decode.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoding {
    /// Drafts of a round.
    pub drafting: Drafting,
    /// When the models run.
    pub schedule: Schedule,
    /// Whether it is what the plan says.
    pub as_planned: bool,
    /// What the user should know.
    pub note: Option<String>,
}

/// Decides how to decode.
///
/// # Errors
/// Drafts are asked for, and there is no drafter: the length, as asked for.
pub fn decide(offer: &Offer, length: DraftLength, asked: Asked) -> Result<Decoding, String> {
    let planned = offer.drafts.min(MAX);
    let most = offer.widest.saturating_sub(1).clamp(1, MAX);
    let (drafting, name) = match length {
        DraftLength::Plan => (Drafting::Fixed(planned), planned.to_string()),
        DraftLength::Fixed(n) => (Drafting::Fixed(n), n.to_string()),
        DraftLength::Adaptive => {
            let first = if planned == 0 { most.min(4) } else { planned };
            let max = most.max(first);
            (Drafting::Heuristic { first, max }, "adaptive".into())
        }
        DraftLength::Entropy { kappa, lambda } => {
            let max = most;
            (Drafting::Entropy { max, kappa, lambda }, "entropy".into())
        }
    };
    let drafts = drafting != Drafting::Fixed(0);
    if drafts && !offer.has_drafter {
        return Err(name);
    }
    let by_plan = match offer.strategy.as_str() {
        "overlapped" => Schedule::Overlapped,
        _ => Schedule::Sequential,
    };
    let schedule = match asked {
        _ if !drafts => Schedule::Sequential,
        Asked::Plan => by_plan,
        Asked::Sequential => Schedule::Sequential,
        Asked::Overlapped => Schedule::Overlapped,
    };
    let pipelined = drafts && asked == Asked::Plan && offer.strategy == "pipelined";
    let note = pipelined.then(|| {
        "the plan is a pipelined one, for several sequences at once; one sequence is decoded sequentially".to_owned()
    });
    Ok(Decoding {
        as_planned: drafting == Drafting::Fixed(planned)
            && (!drafts || schedule == by_plan)
            && !pipelined,
        drafting,
        schedule,
        note,
    })
}

/// Cores of the plan's baseline, if it is the target on the unit where the target is anyway, but on another number of cores. The
/// baseline in words says `NAME on UNIT:CORES:DTYPE, ...`.
pub fn baseline_cores(plan: &Plan) -> Option<usize> {
    let target = plan.placements.iter().find(|p| p.role == Role::Target)?;
    let mut seats = plan.baseline.as_ref()?.split(" on ").skip(1);
    let seat = seats.find_map(|s| {
        s.split(',')
            .next()?
            .strip_prefix(target.device.as_str())?
            .strip_prefix(':')
    })?;
    let cores: usize = seat.split(':').next()?.parse().ok()?;
    (cores > 0 && u32::try_from(cores) != Ok(target.cores)).then_some(cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(drafts: usize, strategy: &str) -> Offer {
        Offer {
            drafts,
            strategy: strategy.into(),
            has_drafter: true,
            widest: 9,
        }
    }

    #[test]
    fn the_plan_is_followed_unless_asked_otherwise() {
        let o = offer(3, "overlapped");
        let d = decide(&o, DraftLength::Plan, Asked::Plan).unwrap();
        assert_eq!(
            (d.drafting, d.schedule, d.as_planned),
            (Drafting::Fixed(3), Schedule::Overlapped, true)
        );
        let d = decide(&o, DraftLength::Fixed(3), Asked::Sequential).unwrap();
        assert_eq!((d.schedule, d.as_planned), (Schedule::Sequential, false));
        let d = decide(&o, DraftLength::Fixed(0), Asked::Overlapped).unwrap();
        assert_eq!((d.schedule, d.as_planned), (Schedule::Sequential, false));
        let d = decide(&offer(0, "none"), DraftLength::Plan, Asked::Plan).unwrap();
        assert_eq!((d.drafting, d.as_planned), (Drafting::Fixed(0), true));
    }

    #[test]
    fn lengths_that_change_stay_within_one_call_of_the_target() {
        let of = |drafts, length| {
            decide(&offer(drafts, "sequential"), length, Asked::Plan)
                .unwrap()
                .drafting
        };
        assert_eq!(
            of(0, DraftLength::Adaptive),
            Drafting::Heuristic { first: 4, max: 8 }
        );
        assert_eq!(
            of(12, DraftLength::Adaptive),
            Drafting::Heuristic { first: 12, max: 12 }
        );
        let (kappa, lambda) = (0.2, 0.4);
        let entropy = DraftLength::Entropy { kappa, lambda };
        assert_eq!(
            of(2, entropy),
            Drafting::Entropy {
                max: 8,
                kappa,
                lambda
            }
        );
    }

    #[test]
    fn drafts_need_a_drafter() {
        let alone = Offer {
            has_drafter: false,
            ..offer(0, "none")
        };
        assert_eq!(
            decide(&alone, DraftLength::Fixed(2), Asked::Plan),
            Err("2".into())
        );
        assert_eq!(
            decide(&alone, DraftLength::Adaptive, Asked::Plan),
            Err("adaptive".into())
        );
        assert!(decide(&alone, DraftLength::Plan, Asked::Plan).is_ok());
    }

    #[test]
    fn pipelined_plans_are_decoded_sequentially_and_it_is_said() {
        let d = decide(&offer(3, "pipelined"), DraftLength::Plan, Asked::Plan).unwrap();
        assert_eq!(
            (d.schedule, d.as_planned, d.note.is_some()),
            (Schedule::Sequential, false, true)
        );
    }

    #[test]
    fn the_baseline_may_have_other_cores() {
        let with = |baseline: &str| {
            let plan = serde_json::json!({"gamma": 2, "strategy": "sequential", "speed_up": 1.5, "baseline": baseline,
                    "placements": [{"role": "target", "device": "cpu-a55", "cores": 2}]});
            baseline_cores(&serde_json::from_value(plan).unwrap())
        };
        assert_eq!(
            with("tuned on x on cpu-a55:4:f16, no speculation, 3.1 tokens/s"),
            Some(4)
        );
        assert_eq!(with("m on cpu-a55:2:f16, no speculation"), None);
        assert_eq!(with("m on cpu-a76:4:f16, no speculation"), None);
        assert_eq!(with("m on cpu-a55:x"), None);
        assert_eq!(with(""), None);
    }
}
