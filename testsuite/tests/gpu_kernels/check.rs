//! Compares what a kernel wrote with what it should have.

use crate::run::{Operand, decode, run, ulp};
use spec_kernels::DType;
use spec_kernels::gpu::{Device, Kernel};

/// A number, and how far from it rounding can lead.
#[derive(Clone, Copy, Debug)]
pub struct Near {
    pub value: f64,
    pub error: f64,
}

impl Near {
    pub fn new(value: f64, error: f64) -> Self {
        Near { value, error }
    }

    pub fn exact(value: f64) -> Self {
        Near::new(value, 0.0)
    }

    pub fn plus(self, other: Near) -> Self {
        let value = self.value + other.value;
        Near::new(value, self.error + other.error + 1e-6 * value.abs())
    }

    pub fn times(self, other: Near) -> Self {
        let value = self.value * other.value;
        let error = self.error * (other.value.abs() + other.error) + self.value.abs() * other.error;
        Near::new(value, error + 1e-6 * value.abs())
    }

    /// Through a function whose slope is at most `slope`.
    pub fn through(self, slope: f64, f: impl Fn(f64) -> f64) -> Self {
        let value = f(self.value);
        Near::new(value, slope * self.error + 3e-6 * (1.0 + value.abs()))
    }

    /// Stored as `dtype`.
    pub fn rounded(self, dtype: DType) -> Self {
        let least = if dtype == DType::F16 { 6e-8 } else { 0.0 };
        Near::new(
            self.value,
            self.error + ulp(dtype) * self.value.abs() + least,
        )
    }
}

/// What a kernel is given, and what it should write.
pub struct Case {
    pub kernel: Kernel,
    pub operands: Vec<Operand>,
    /// Binding, and for each element what it should be; none: it stays.
    pub expected: Vec<(usize, Vec<Option<Near>>)>,
    /// Whether operands are aligned to 16 bytes.
    pub aligned: bool,
}

/// What a case wrote: for each expected binding its bytes.
pub type Written = Vec<Vec<u8>>;

impl Case {
    /// Runs the case and compares.
    ///
    /// # Errors
    /// It does not run, or writes something else.
    pub fn check(&self, device: &Device) -> Result<Written, String> {
        let after = run(&self.kernel, device, &self.operands, self.aligned)?;
        let mut written = vec![];
        for (binding, expected) in &self.expected {
            let operand = &self.operands[*binding];
            self.compare(operand, &after[*binding], expected)?;
            written.push(after[*binding].clone());
        }
        Ok(written)
    }

    fn compare(
        &self,
        before: &Operand,
        after: &[u8],
        expected: &[Option<Near>],
    ) -> Result<(), String> {
        let size = before.dtype.bytes() as usize;
        let found = decode(before.dtype, after);
        assert_eq!(found.len(), expected.len());
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            let at = i * size..(i + 1) * size;
            match expected {
                None if before.bytes[at.clone()] != after[at] => {
                    return Err(format!("element {i} is {found}, should not be written"));
                }
                None => {}
                Some(near) => {
                    let apart = (found - near.value).abs();
                    let same = *found == near.value || found.is_nan() && near.value.is_nan();
                    if !(same || apart <= near.error) {
                        return Err(format!("element {i} is {found}, should be {near:?}"));
                    }
                }
            }
        }
        Ok(())
    }

    /// The elements that this case and a larger one both write have the same bits.
    ///
    /// # Errors
    /// The first that has not.
    pub fn same_bits(&self, written: &Written, larger: &Written) -> Result<(), String> {
        for ((binding, expected), (few, many)) in
            self.expected.iter().zip(written.iter().zip(larger))
        {
            let size = self.operands[*binding].dtype.bytes() as usize;
            for i in (0..expected.len()).filter(|i| expected[*i].is_some()) {
                let at = i * size..(i + 1) * size;
                if few[at.clone()] != many[at] {
                    return Err(format!("element {i} depends on the number of tokens"));
                }
            }
        }
        Ok(())
    }
}

/// Tokens of the calls that are compared, most first.
pub const TOKENS: &[i64] = &[9, 1, 2, 5, 8];

/// Fewer of them.
pub const SOME_TOKENS: &[i64] = &[5, 1];

/// Checks a case for each number of tokens; the bits must not depend on it. Returns what is wrong.
pub fn for_tokens(
    name: &str,
    device: &Device,
    tokens: &[i64],
    case: impl Fn(i64) -> Case,
) -> Vec<String> {
    let mut problems = vec![];
    let mut most: Option<Written> = None;
    for m in tokens {
        let case = case(*m);
        let result = case.check(device).and_then(|written| {
            match &most {
                Some(most) => case.same_bits(&written, most)?,
                None => most = Some(written),
            }
            Ok(())
        });
        problems.extend(result.err().map(|e| format!("{name}, {m} tokens: {e}")));
    }
    problems
}

/// Fails with all problems.
pub fn none(problems: Vec<String>) {
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
