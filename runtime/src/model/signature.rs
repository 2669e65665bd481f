//! What the slots of a model's functions are for.

use super::store::Store;
use super::{LoadError, error};
use crate::manifest::{
    ArgumentKind, DType, Function, FunctionResult, Manifest, ModelInfo, ResultKind, Role, Slot,
};
use std::ops::Range;

/// What a slot of a function is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Token ids, i64 or i32.
    Tokens,
    /// The first token's position, i64 or i32.
    Position,
    /// The cache of this number; the same in all functions of a model.
    Cache(usize),
    /// A weight, where it lies in the store.
    Weight(Range<usize>),
    /// The logits.
    Logits,
    /// A further result that nobody asks for.
    Extra,
}

/// A function of a decoder: logits of `width` tokens.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    /// Its name in the bundle.
    pub(crate) name: String,
    /// Tokens of a call.
    pub(crate) width: usize,
    /// What each slot is for.
    pub(crate) uses: Vec<Use>,
    /// Each slot's type and length.
    pub(crate) slots: Vec<Slot>,
    /// Type of the logits.
    pub(crate) logits: DType,
    /// Bytes of each cache.
    caches: Vec<(DType, Vec<u64>)>,
    vocabulary: usize,
}

/// A model of a bundle: its functions, one for each number of tokens.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) role: Role,
    /// Token ids are below.
    pub(crate) vocabulary: usize,
    /// Rows of the caches.
    pub(crate) context: usize,
    /// Tokens of a call of each function, ascending.
    pub(crate) widths: Vec<usize>,
    /// The functions, in the order of `widths`.
    pub(crate) functions: Vec<Signature>,
    /// Whether they are for a GPU.
    pub(crate) gpu: bool,
    /// The name of the unit, if the plan says where the model runs.
    pub(crate) unit: Option<String>,
    /// Cores, if the plan says how many.
    pub(crate) planned: Option<usize>,
}

fn wrong(function: &Function, problem: impl Into<String>) -> LoadError {
    LoadError::Function {
        function: function.name.clone(),
        problem: problem.into(),
    }
}

impl Model {
    /// The model of a role; None: the bundle has no such functions.
    pub(super) fn find(
        manifest: &Manifest,
        store: &Store,
        role: Role,
    ) -> Result<Option<Self>, LoadError> {
        let known = info(manifest, role).map(|m| m.vocabulary);
        let mut functions = vec![];
        let mut on_gpu = vec![];
        for function in manifest.functions.iter().filter(|f| f.role == role) {
            functions.push(Signature::of(function, store, known)?);
            on_gpu.push(function.gpu.is_some());
        }
        let Some(first) = functions.first() else {
            return Ok(None);
        };
        let gpu = on_gpu.first().copied().unwrap_or_default();
        for (other, other_gpu) in functions.iter().zip(&on_gpu) {
            let problem = if other.caches != first.caches {
                "caches of other types"
            } else if other.vocabulary != first.vocabulary {
                "another vocabulary"
            } else if *other_gpu != gpu {
                "another unit"
            } else {
                continue;
            };
            return Err(LoadError::Function {
                function: other.name.clone(),
                problem: format!(
                    "it has {problem} than {}, of the same {}",
                    first.name,
                    error::name(role)
                ),
            });
        }
        let context = context(manifest, role, first)?;
        let vocabulary = first.vocabulary;
        functions.sort_by_key(|f| f.width); // stable: the first of two alike is taken
        functions.dedup_by_key(|f| f.width);
        let plan = manifest.plan.iter().flat_map(|p| &p.placements);
        let placement = plan.into_iter().find(|p| p.role == role);
        Ok(Some(Self {
            role,
            vocabulary,
            context,
            widths: functions.iter().map(|f| f.width).collect(),
            functions,
            gpu,
            unit: placement.map(|p| p.device.clone()),
            planned: placement.map(|p| p.cores as usize),
        }))
    }

    /// The function of this width, if there is one.
    pub(crate) fn function(&self, width: usize) -> Option<(usize, &Signature)> {
        let at = self.widths.binary_search(&width).ok()?;
        self.functions.get(at).map(|f| (at, f))
    }

    /// Bytes of each cache.
    pub(crate) fn cache_bytes(&self) -> Vec<usize> {
        let Some(first) = self.functions.first() else {
            return vec![];
        };
        let slots = first.uses.iter().zip(&first.slots);
        slots
            .filter(|(u, _)| matches!(u, Use::Cache(_)))
            .map(|(_, s)| s.bytes)
            .collect()
    }

    /// The most bytes that a slot of this use has in any function; 0 if there is none.
    pub(crate) fn most_bytes(&self, wanted: &Use) -> usize {
        let slots = self
            .functions
            .iter()
            .flat_map(|f| f.uses.iter().zip(&f.slots));
        let fit = slots.filter(|(u, _)| *u == wanted).map(|(_, s)| s.bytes);
        fit.max().unwrap_or(0)
    }
}

impl Signature {
    fn of(function: &Function, store: &Store, known: Option<u64>) -> Result<Self, LoadError> {
        let width = function.tokens as usize;
        let manifest_error = |e| wrong(function, format!("{e}"));
        let slots = function.slots().map_err(manifest_error)?;
        let (mut uses, mut caches) = (vec![], vec![]);
        for slot in slots.iter().filter(|s| !s.is_result) {
            uses.push(argument(function, slot, store, &mut caches)?);
        }
        let logits = logits(function, known)?;
        let (logits_dtype, vocabulary) = check_logits(function, logits, width)?;
        uses.extend(
            slots
                .iter()
                .filter(|s| s.is_result)
                .map(|s| match s.index == logits {
                    true => Use::Logits,
                    false => Use::Extra,
                }),
        );
        for (one, what) in [(Use::Tokens, "tokens"), (Use::Position, "position")] {
            let count = uses.iter().filter(|u| **u == one).count();
            if count != 1 {
                return Err(wrong(
                    function,
                    format!("it has {count} arguments of kind {what}, not one"),
                ));
            }
        }
        if caches.is_empty() {
            return Err(wrong(function, "it has no cache"));
        }
        let made = Self {
            name: function.name.clone(),
            width,
            uses,
            slots,
            logits: logits_dtype,
            caches,
            vocabulary,
        };
        let elements = |wanted: Use| {
            let at = made.uses.iter().position(|u| *u == wanted);
            at.and_then(|i| made.slots.get(i))
                .map(|s| s.bytes / s.dtype.bytes())
        };
        if elements(Use::Tokens) != Some(width) {
            return Err(wrong(function, format!("its tokens are not {width}")));
        }
        if elements(Use::Position) != Some(1) {
            return Err(wrong(function, "its position is not one number"));
        }
        Ok(made)
    }
}

fn argument(
    function: &Function,
    slot: &Slot,
    store: &Store,
    caches: &mut Vec<(DType, Vec<u64>)>,
) -> Result<Use, LoadError> {
    let index = slot.index;
    let problem = |text: &str| Err(wrong(function, format!("argument {index} {text}")));
    let Some(argument) = function.arguments.get(index) else {
        return problem("is not there");
    };
    let integer = matches!(argument.dtype, DType::I64 | DType::I32);
    if argument.updated_in_place && argument.kind != ArgumentKind::Cache {
        return problem("is no cache, and updated in place");
    }
    match argument.kind {
        ArgumentKind::Tokens | ArgumentKind::Position if !integer => {
            problem("is neither i64 nor i32")
        }
        ArgumentKind::Tokens => Ok(Use::Tokens),
        ArgumentKind::Position => Ok(Use::Position),
        ArgumentKind::Cache => {
            let aliased = function
                .results
                .iter()
                .any(|r| r.aliases_argument == Some(index));
            if !argument.updated_in_place || !aliased {
                return problem("is a cache that is not updated in place");
            }
            caches.push((argument.dtype, argument.shape.clone()));
            Ok(Use::Cache(caches.len() - 1))
        }
        ArgumentKind::Weight => {
            let range = argument.name.as_deref().and_then(|n| store.range(n));
            match range.filter(|r| r.len() == slot.bytes) {
                Some(range) => Ok(Use::Weight(range)),
                None => problem("is a weight that is not among the weights"),
            }
        }
        ArgumentKind::Other => {
            problem("is neither tokens, position, cache nor weight: nothing is known to give it")
        }
    }
}

const fn is_float(dtype: DType) -> bool {
    matches!(dtype, DType::F32 | DType::F16 | DType::Bf16)
}

/// Index of the result with the logits.
fn logits(function: &Function, known: Option<u64>) -> Result<usize, LoadError> {
    let results = function.results.iter().enumerate();
    let said = results
        .clone()
        .filter(|(_, r)| r.kind == Some(ResultKind::Logits));
    let said: Vec<usize> = said.map(|(i, _)| i).collect();
    if let [one] = said[..] {
        return Ok(one);
    }
    let fit = |r: &FunctionResult| {
        if r.kind.is_some_and(|k| k != ResultKind::Logits) {
            return false;
        }
        let last = r.shape.last().copied();
        let vocabulary = known.is_none() || last == known;
        r.aliases_argument.is_none() && is_float(r.dtype) && last.is_some() && vocabulary
    };
    let mut found = results.filter(|(_, r)| fit(r)).map(|(i, _)| i);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(wrong(function, "none of its results can be the logits")),
        _ => Err(wrong(
            function,
            "more than one of its results can be the logits",
        )),
    }
}

/// Type of the logits, and size of the vocabulary.
fn check_logits(
    function: &Function,
    index: usize,
    width: usize,
) -> Result<(DType, usize), LoadError> {
    let result = function.results.get(index);
    let result = result.ok_or_else(|| wrong(function, "it has no logits"))?;
    if result.aliases_argument.is_some() || !is_float(result.dtype) {
        return Err(wrong(
            function,
            format!("result {index} cannot be the logits"),
        ));
    }
    let rows: Option<u64> = result
        .shape
        .split_last()
        .and_then(|(_, rows)| rows.iter().try_fold(1_u64, |all, n| all.checked_mul(*n)));
    if rows != Some(width as u64) {
        let problem =
            format!("result {index} has not one row of logits for each of {width} tokens");
        return Err(wrong(function, problem));
    }
    let vocabulary = result.shape.last().and_then(|v| usize::try_from(*v).ok());
    match vocabulary {
        Some(v) if v > 0 && u32::try_from(v).is_ok() => Ok((result.dtype, v)),
        _ => Err(wrong(
            function,
            format!("result {index}: logits of no vocabulary"),
        )),
    }
}

/// What the manifest says of the model of a role.
fn info(manifest: &Manifest, role: Role) -> Option<&ModelInfo> {
    manifest.models.iter().find(|m| m.role == role)
}

/// Rows of the caches: what the manifest says if each cache has a side of that length, else the last side but one (heads, rows, head
/// size).
fn context(manifest: &Manifest, role: Role, first: &Signature) -> Result<usize, LoadError> {
    let said = info(manifest, role).map_or(0, |m| m.context);
    let mut shapes = first.caches.iter().map(|(_, shape)| shape);
    if said > 0 && shapes.all(|s| s.contains(&said)) {
        return Ok(usize::try_from(said).unwrap_or(usize::MAX)); // a side of memory that fits
    }
    let rows = first.caches.iter().map(|(_, shape)| {
        let at = shape.len().checked_sub(2)?;
        usize::try_from(*shape.get(at)?).ok()
    });
    let all = rows.collect::<Option<Vec<_>>>();
    match all.and_then(|r| r.into_iter().min()) {
        Some(rows) if rows > 0 => Ok(rows),
        _ => Err(LoadError::Function {
            function: first.name.clone(),
            problem: "its caches have no rows".to_owned(),
        }),
    }
}
