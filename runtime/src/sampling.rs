//! From logits to a token: the choice that drafter and target make alike.

mod exp;
mod rows;
mod select;

pub(crate) use exp::sum;
pub(crate) use rows::{Distributions, Judge};
pub use select::argmax;

/// How a token is chosen from logits. The same for drafter and target: only then is rejection sampling lossless.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Sampling {
    /// The largest logit; of equal ones that of the lowest token.
    #[default]
    Greedy,
    /// A sample of softmax(logits / temperature), cut to the `top_k` likeliest tokens, normalised, and then to the fewest likeliest
    /// ones that together have `top_p`; the order of Hugging Face transformers.
    Random {
        /// At least 0; 0 is [`Sampling::Greedy`].
        temperature: f32,
        /// Number of tokens to keep; 0 keeps all. Of equal ones at the cut the lower token stays.
        top_k: usize,
        /// Probability to keep, above 0 and at most 1; 1 keeps all. The likeliest token always stays.
        top_p: f32,
    },
}

/// A setting or a row of logits that nothing can be sampled from.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SamplingError {
    /// The temperature is negative, infinite or NaN.
    #[error("the temperature must be finite and at least 0, got {0}")]
    Temperature(f32),
    /// `top_p` is out of range.
    #[error("top-p must be above 0 and at most 1, got {0}")]
    TopP(f32),
    /// A logit is NaN or plus infinity.
    #[error(
        "the logit of token {token} is {value}: the model computed nonsense (an overflow in f16, or weights of another model?)"
    )]
    Logit {
        /// Which token.
        token: usize,
        /// The value.
        value: f32,
    },
    /// No logit is finite, or there is none at all.
    #[error(
        "none of {0} logits is finite: the model computed nonsense (an overflow in f16, or weights of another model?)"
    )]
    NoLogit(usize),
}

impl Sampling {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`SamplingError::Temperature`], [`SamplingError::TopP`].
    pub fn check(&self) -> Result<(), SamplingError> {
        let Self::Random {
            temperature, top_p, ..
        } = *self
        else {
            return Ok(());
        };
        if !(temperature.is_finite() && temperature >= 0.0) {
            return Err(SamplingError::Temperature(temperature));
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(SamplingError::TopP(top_p));
        }
        Ok(())
    }

    /// Whether the choice is the largest logit: also a temperature of 0, or a `top_k` of 1.
    pub fn is_greedy(&self) -> bool {
        match *self {
            Self::Greedy => true,
            Self::Random {
                temperature, top_k, ..
            } => temperature == 0.0 || top_k == 1,
        }
    }

    /// The probabilities `[vocabulary]` that the choice from `logits` `[vocabulary]` has: one 1 if it is greedy. They sum to 1 up to
    /// rounding.
    ///
    /// # Errors
    /// All of [`SamplingError`].
    pub fn distribution(&self, logits: &[f32]) -> Result<Vec<f32>, SamplingError> {
        self.check()?;
        let mut rows = Distributions::default();
        rows.push(self, logits, logits.len())?;
        Ok(rows.last_whole(logits.len()))
    }
}
