//! The controller of a sequence's draft lengths.

use super::settings::{Drafting, Schedule};
use crate::draft_length::goodput::{Choice, Controller, Round};
use crate::draft_length::{AdaEdl, DraftLength, Heuristic, ParameterError, Static};

/// What stands behind [`Drafting`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Control {
    Static(Static),
    Heuristic(Heuristic),
    AdaEdl(AdaEdl),
    Goodput(Box<Controller>),
}

/// What a controller must know of the models.
#[derive(Clone, Copy, Debug)]
pub(super) struct Widths<'a> {
    pub target: &'a [usize],
    pub drafter: &'a [usize],
}

impl Control {
    /// `kept` is what an earlier sequence learned; it is used if it is for the same.
    pub(super) fn new(
        drafting: &Drafting,
        schedule: Schedule,
        widths: Widths,
        kept: &mut Option<Box<Controller>>,
    ) -> Result<Self, ParameterError> {
        Ok(match drafting {
            Drafting::Fixed(length) => Self::Static(Static::new(*length)?),
            Drafting::Heuristic { first, max } => Self::Heuristic(Heuristic::new(*first, *max)?),
            Drafting::Entropy { max, kappa, lambda } => {
                Self::AdaEdl(AdaEdl::new(*max, *kappa, *lambda)?)
            }
            Drafting::Goodput(goodput) => {
                let overlapped = schedule == Schedule::Overlapped;
                let known = kept.take_if(|k| goodput.measure && k.is_for(goodput, overlapped));
                Self::Goodput(match known {
                    Some(mut known) => {
                        known.restart();
                        known
                    }
                    None => {
                        let (target, drafter) = (widths.target, widths.drafter);
                        let made = Controller::new(goodput, overlapped, target, drafter)?;
                        Box::new(made)
                    }
                })
            }
        })
    }

    /// Whether a drafter is needed.
    pub(super) fn drafts(&self) -> bool {
        !matches!(self, Self::Static(length) if length.limit() == 0)
    }

    /// Whether the first round is expected to make drafts.
    pub(super) fn begins_with_drafts(&self) -> bool {
        match self {
            Self::Goodput(c) => c.begins_with_drafts(),
            _ => self.drafts(),
        }
    }

    /// What the next round may do. `lacks`: tokens of the sequence that the drafter was not fed; `room`: drafts that may still become
    /// tokens.
    pub(super) fn choose(&mut self, lacks: usize, room: usize) -> Choice {
        let drafts = match self {
            Self::Static(c) => c.limit(),
            Self::Heuristic(c) => c.limit(),
            Self::AdaEdl(c) => c.limit(),
            Self::Goodput(c) => return c.choose(lacks, room),
        };
        Choice {
            drafts,
            feed: 0,
            alone: false,
        }
    }

    /// What stops a drafter before that.
    pub(super) fn stop(&self) -> Option<AdaEdl> {
        match self {
            Self::AdaEdl(c) => Some(*c),
            _ => None,
        }
    }

    /// Takes in a round. For the heuristic one in which all stood counts as one up to the limit, also if it was drafted ahead, before the
    /// limit went up, or was cut at the end of the sequence.
    pub(super) fn observe(&mut self, round: &Round) {
        match self {
            Self::Goodput(c) => c.observe(round),
            Self::Heuristic(c) if round.drafted > 0 => {
                let limit = c.limit();
                c.observe(match round.accepted == round.drafted {
                    true => limit,
                    false => round.accepted.min(limit.saturating_sub(1)),
                });
            }
            _ => {}
        }
    }
}
