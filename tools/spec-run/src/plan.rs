//! What the bundle's plan is compared with.

use spec_runtime::manifest::{Plan, Role};

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
