//! What is to be written, by the manifest.

use crate::error::WeightsError;
use crate::names::{Names, scales};
use spec_runtime::manifest::{
    Argument, ArgumentKind, DType, Function, Manifest, QuantFormat, QuantisedFrom, Role,
};
use spec_runtime::quantize::{Scheme, TRANSPOSED};
use std::collections::HashMap;

/// Before a name: the tensor is in the drafter's files.
const DRAFTER: &str = "drafter:";

/// A weight and how to make it.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its name in the manifest.
    pub name: String,
    /// The tensor that it is made of.
    pub tensor: String,
    /// The model's role.
    pub role: Role,
    /// Type in the bundle.
    pub dtype: DType,
    /// Sizes in the bundle.
    pub shape: Vec<u64>,
    /// Type that the model was exported with.
    pub from: DType,
    /// Sizes that it was exported with.
    pub from_shape: Vec<u64>,
    /// What to do.
    pub make: Make,
}

impl Job {
    /// Whether another function wants the same; two models may share a weight.
    fn is_same(&self, other: &Self) -> bool {
        let other = Self {
            role: self.role,
            ..other.clone()
        };
        *self == other
    }
}

/// How a weight is made.
#[derive(Clone, Debug, PartialEq)]
pub enum Make {
    /// The same elements, in the bundle's type.
    Copy,
    /// Integers with scales.
    Quantise(Quantise),
}

/// How integers are made.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantise {
    /// The format.
    pub scheme: Scheme,
    /// How people call it.
    pub label: String,
    /// Number of matrices.
    pub stack: usize,
    /// Rows of each.
    pub rows: usize,
    /// Columns of each.
    pub columns: usize,
    /// Whether columns come first in the exported model.
    pub transposed: bool,
    /// The weight that holds the scales.
    pub scale: Scale,
}

/// Scales, which are a weight of the bundle too.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// Name in the manifest.
    pub name: String,
    /// Type.
    pub dtype: DType,
    /// Sizes.
    pub shape: Vec<u64>,
}

/// All weights of a bundle, each once.
///
/// # Errors
/// Two functions want one weight in different forms, or a weight is no function's.
pub fn plan(manifest: &Manifest, names: &Names) -> Result<Vec<Job>, WeightsError> {
    let mut jobs: Vec<Job> = vec![];
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for function in &manifest.functions {
        let scales = scales(function);
        for (i, argument) in function.arguments.iter().enumerate() {
            if argument.kind != ArgumentKind::Weight || scales.contains(&i) {
                continue;
            }
            let job = job(function, i, argument, names)?;
            match by_name.get(&job.name) {
                Some(known) if jobs[*known].is_same(&job) => {
                    // shared: the target's files have it
                    if job.role == Role::Target {
                        jobs[*known].role = Role::Target;
                    }
                }
                Some(_) => {
                    return Err(contradiction(&format!(
                        "functions want {:?} in different forms, or of different tensors",
                        job.name
                    )));
                }
                None => {
                    by_name.insert(job.name.clone(), jobs.len());
                    jobs.push(job);
                }
            }
        }
    }
    let made = |name: &str| {
        by_name.contains_key(name)
            || jobs
                .iter()
                .any(|j| matches!(&j.make, Make::Quantise(q) if q.scale.name == name))
    };
    match manifest.weights.iter().find(|w| !made(&w.name)) {
        Some(weight) => Err(contradiction(&format!(
            "no function takes {:?}",
            weight.name
        ))),
        None => Ok(jobs),
    }
}

fn contradiction(text: &str) -> WeightsError {
    WeightsError::Contradiction(text.to_owned())
}

fn job(
    function: &Function,
    i: usize,
    argument: &Argument,
    names: &Names,
) -> Result<Job, WeightsError> {
    let Some(name) = argument.name.clone() else {
        return Err(contradiction(&format!(
            "argument {i} of {} has no name",
            function.name
        )));
    };
    let tensor = names.get(function, i).unwrap_or(&name);
    let (tensor, role) = match tensor.strip_prefix(DRAFTER) {
        Some(tensor) => (tensor.to_owned(), Role::Drafter),
        None => (tensor.to_owned(), function.role),
    };
    let (make, from, from_shape) = match &argument.quantised_from {
        None => (Make::Copy, argument.dtype, argument.shape.clone()),
        Some(from) => {
            let quantise = quantise(&name, function, argument, from)?;
            (Make::Quantise(quantise), from.dtype, from.shape.clone())
        }
    };
    Ok(Job {
        name,
        tensor,
        role,
        dtype: argument.dtype,
        shape: argument.shape.clone(),
        from,
        from_shape,
        make,
    })
}

fn quantise(
    name: &str,
    function: &Function,
    argument: &Argument,
    from: &QuantisedFrom,
) -> Result<Quantise, WeightsError> {
    let wrong = |what: &str| contradiction(&format!("{name:?}: {what}"));
    let scale = function.arguments.get(from.scale_argument);
    let Some((scale, scale_name)) = scale.and_then(|s| Some((s, s.name.clone()?))) else {
        return Err(wrong("its scales have no name"));
    };
    let scheme = Scheme::new(from.format, from.group, scale.dtype)?;
    let size = |n: &u64| usize::try_from(*n).unwrap_or(usize::MAX);
    let [stack @ .., rows, stored] = &argument.shape[..] else {
        return Err(wrong("it is no matrix"));
    };
    let (rows, stored) = (size(rows), size(stored));
    let columns = match from.format {
        QuantFormat::I8 => Some(stored),
        QuantFormat::I4 => stored.checked_mul(2),
    };
    let columns = columns.ok_or_else(|| wrong("it is too large"))?;
    let bits = match from.format {
        QuantFormat::I8 => "i8",
        QuantFormat::I4 => "i4",
    };
    let words = argument.layout.as_deref().unwrap_or_default();
    let transposed = words.split([',', ' ']).any(|word| word == TRANSPOSED);
    let quantise = Quantise {
        scheme,
        label: if from.group == 0 {
            bits.to_owned()
        } else {
            format!("{bits}g{}", from.group)
        },
        stack: stack
            .iter()
            .map(size)
            .try_fold(1, usize::checked_mul)
            .unwrap_or(usize::MAX),
        rows,
        columns,
        transposed,
        scale: Scale {
            name: scale_name,
            dtype: scale.dtype,
            shape: scale.shape.clone(),
        },
    };
    quantise.check(from, &wrong)?;
    Ok(quantise)
}

impl Quantise {
    /// Sizes of the exported tensor, of the integers and of the scales must agree.
    fn check(
        &self,
        from: &QuantisedFrom,
        wrong: &impl Fn(&str) -> WeightsError,
    ) -> Result<(), WeightsError> {
        let (_, scales) = self.scheme.row_bytes(self.columns)?;
        let product = |sizes: &[u64]| sizes.iter().try_fold(1_u64, |a, b| a.checked_mul(*b));
        let here = |sizes: &[usize]| sizes.iter().try_fold(1_usize, |a, b| a.checked_mul(*b));
        let all = here(&[self.stack, self.rows, self.columns]);
        if product(&from.shape) != all.map(|n| n as u64) {
            return Err(wrong("it has not as many elements as it was exported with"));
        }
        let scale_bytes = product(&self.scale.shape).map(|n| n * self.scale.dtype.bytes() as u64);
        if scale_bytes != here(&[self.stack, self.rows, scales]).map(|n| n as u64) {
            return Err(wrong("its scales have another shape"));
        }
        // whole dimensions must make up what comes last in memory
        let last = if self.transposed {
            self.rows
        } else {
            self.columns
        } as u64;
        let mut inner = 1_u64;
        let mut ends = std::iter::once(1).chain(from.shape.iter().rev().map(|n| {
            inner = inner.saturating_mul(*n);
            inner
        }));
        if !ends.any(|n| n == last) {
            let order = if self.transposed {
                "exchanged"
            } else {
                "not exchanged"
            };
            return Err(wrong(&format!(
                "rows and columns are {order}, which its exported shape {:?} does not allow",
                from.shape
            )));
        }
        Ok(())
    }
}
