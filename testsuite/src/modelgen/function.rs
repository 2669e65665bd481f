//! Whole functions: argument and result lists, weights as arguments or constants, private helpers.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use super::abi::{Abi, ArgInfo, Role, abi};
use super::model::{Caches, Inputs, Model};
use super::ops::Ops;
use super::style::{Config, Style, Weights};
use super::text::{Element, Type, Value, commas};
use super::weights::{WeightTensor, weight_data, weight_tensors};

/// What functions need beside themselves in their module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Support {
    /// Private functions by name.
    pub helpers: BTreeMap<String, String>,
    /// `ml_program.global` ops by name.
    pub globals: BTreeMap<String, String>,
    /// Hexadecimal blobs of `dense_resource` by key.
    pub resources: BTreeMap<String, String>,
}

impl Support {
    pub(super) fn add(&mut self, other: Support) {
        self.helpers.extend(other.helpers);
        self.globals.extend(other.globals);
        self.resources.extend(other.resources);
    }
}

/// A function, and how to call it.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionText {
    /// Symbol without its `@`.
    pub name: String,
    /// The `func.func` op.
    pub text: String,
    /// Its signature.
    pub abi: Abi,
    /// What it refers to.
    pub support: Support,
}

impl FunctionText {
    /// A module of this function alone.
    pub fn module(&self) -> String {
        module_text(std::slice::from_ref(self))
    }
}

/// A module of `functions` with what they refer to.
pub(super) fn module_text(functions: &[FunctionText]) -> String {
    let mut support = Support::default();
    functions
        .iter()
        .for_each(|f| support.add(f.support.clone()));
    let mut text = "module {\n".to_owned();
    text.extend(support.globals.into_values());
    functions.iter().for_each(|f| text.push_str(&f.text));
    text.extend(support.helpers.into_values());
    text.push_str("}\n");
    let mut text = alias_maps(&text);
    if !support.resources.is_empty() {
        text.push_str("\n{-#\n  dialect_resources: {\n    builtin: {\n");
        let blobs: Vec<String> = support
            .resources
            .iter()
            .map(|(key, hex)| format!("      {key}: \"{hex}\""))
            .collect();
        text.push_str(&blobs.join(",\n"));
        text.push_str("\n    }\n  }\n#-}\n");
    }
    text
}

/// Names affine maps `#map`, `#map1`, .. in front of the module, as MLIR prints them.
fn alias_maps(text: &str) -> String {
    const START: &str = "affine_map<";
    let mut aliases: BTreeMap<&str, String> = BTreeMap::new();
    let (mut head, mut body) = (String::new(), String::with_capacity(text.len()));
    let mut rest = text;
    while let Some(at) = rest.find(START) {
        let Some(length) = rest[at..].find(")>").map(|end| end + 2) else {
            break;
        };
        let map = &rest[at..at + length];
        let next = aliases.len();
        let alias = aliases.entry(map).or_insert_with(|| {
            let name = if next == 0 {
                "#map".to_owned()
            } else {
                format!("#map{next}")
            };
            let _ = writeln!(head, "{name} = {map}");
            name
        });
        body.push_str(&rest[..at]);
        body.push_str(alias);
        rest = &rest[at + length..];
    }
    head + &body + rest
}

/// A function called `name` of one model.
pub fn function(name: &str, c: &Config, s: &Style) -> FunctionText {
    function_of(name, name, "", c, s)
}

/// The same, with `tag` starting the names of its globals and resources, and an attribute dictionary such as
/// `{spec.role = "drafter"}` (or nothing) behind the signature. Functions of one model share a tag.
pub fn function_of(name: &str, tag: &str, attributes: &str, c: &Config, s: &Style) -> FunctionText {
    let abi = abi(c, s);
    let mut support = Support::default();
    let mut ops = Ops::new(s.exporter);
    let values: Vec<Value> = abi
        .args
        .iter()
        .enumerate()
        .map(|(i, a)| Value::new(format!("%arg{i}"), a.ty.clone()))
        .collect();
    let mut inputs = inputs_from(&abi.args, &values, 0);
    if s.weights != Weights::Arguments {
        inputs.weights = load_weights(&mut ops, &mut support, tag, c, s);
    }
    let mut model = Model {
        ops: &mut ops,
        c,
        s,
        weights: HashMap::new(),
        prefix: name,
        helpers: &mut support.helpers,
    };
    let outputs = model.forward(inputs);
    let mut keys = outputs.caches.k.into_iter();
    let mut others = outputs.caches.v.into_iter();
    let results: Vec<Value> = abi
        .results
        .iter()
        .filter_map(|r| match r.role {
            Role::Keys(_) => keys.next(),
            Role::Values(_) => others.next(),
            _ => Some(outputs.head.clone()),
        })
        .collect();
    let text = function_text(name, "", attributes, &values, &results, ops);
    FunctionText {
        name: name.to_owned(),
        text,
        abi,
        support,
    }
}

/// Sorts the arguments of model `model` into a forward pass's inputs.
pub(super) fn inputs_from(infos: &[ArgInfo], values: &[Value], model: usize) -> Inputs {
    let none = Value::new("", Type::scalar(Element::Index));
    let caches = Caches {
        k: Vec::new(),
        v: Vec::new(),
    };
    let mut inputs = Inputs {
        tokens: none.clone(),
        position: none,
        mask: None,
        caches,
        weights: HashMap::new(),
    };
    for (info, value) in infos
        .iter()
        .zip(values)
        .filter(|(info, _)| info.model == model)
    {
        match &info.role {
            Role::Tokens => inputs.tokens = value.clone(),
            Role::Position => inputs.position = value.clone(),
            Role::Mask => inputs.mask = Some(value.clone()),
            Role::Keys(layer) => place_at(&mut inputs.caches.k, *layer, value),
            Role::Values(layer) => place_at(&mut inputs.caches.v, *layer, value),
            Role::Weight(tensor) => {
                inputs.weights.insert(tensor.name.clone(), value.clone());
            }
            Role::Logits | Role::Count => {}
        }
    }
    inputs
}

/// Infos may be in reverse order: the layer decides the place.
pub(super) fn place_at(list: &mut Vec<Value>, layer: Option<usize>, value: &Value) {
    let at = layer.unwrap_or(0);
    if list.len() <= at {
        list.resize(at + 1, value.clone());
    }
    list[at] = value.clone();
}

/// Text of a `func.func`; `visibility` is empty or ends in a blank.
pub(super) fn function_text(
    name: &str,
    visibility: &str,
    attributes: &str,
    args: &[Value],
    results: &[Value],
    mut ops: Ops,
) -> String {
    let types = commas(results.iter().map(|r| r.ty.clone()));
    ops.b
        .line(format_args!("return {} : {types}", commas(results)));
    let args = commas(args.iter().map(|a| format!("{a}: {}", a.ty)));
    let attributes = if attributes.is_empty() {
        String::new()
    } else {
        format!(" attributes {attributes}")
    };
    format!(
        "  func.func {visibility}@{name}({args}) -> ({types}){attributes} {{\n{}  }}\n",
        ops.b.finish()
    )
}

/// Constants or loads of globals for every weight of a model.
pub(super) fn load_weights(
    ops: &mut Ops,
    support: &mut Support,
    tag: &str,
    c: &Config,
    s: &Style,
) -> HashMap<String, Value> {
    let mut weights = HashMap::new();
    for tensor in weight_tensors(c, s) {
        let ty = tensor.ty.clone();
        let symbol = format!("{tag}_{}", tensor.name.replace('.', "_"));
        let value = match s.weights {
            Weights::Resource => {
                let align = format!("0x{:02X}000000", ty.element.bytes());
                let hex = hex_data(c, s, &tensor);
                support.resources.insert(symbol.clone(), align + &hex);
                ops.b.op(
                    ty.clone(),
                    format_args!("arith.constant dense_resource<{symbol}> : {ty}"),
                )
            }
            Weights::Global => {
                let hex = hex_data(c, s, &tensor);
                let global = format!(
                    "  ml_program.global private @{symbol}(dense<\"0x{hex}\"> : {ty}) : {ty}\n"
                );
                support.globals.insert(symbol.clone(), global);
                ops.b.op(
                    ty.clone(),
                    format_args!("ml_program.global_load_const @{symbol} : {ty}"),
                )
            }
            _ => {
                let hex = hex_data(c, s, &tensor);
                ops.b.op(
                    ty.clone(),
                    format_args!("arith.constant dense<\"0x{hex}\"> : {ty}"),
                )
            }
        };
        weights.insert(tensor.name, value);
    }
    weights
}

fn hex_data(c: &Config, s: &Style, tensor: &WeightTensor) -> String {
    hex(&weight_data(c, s, tensor), tensor.ty.element)
}

/// Little-endian bytes of `values` in hexadecimal, without `0x`.
pub(super) fn hex(values: &[f64], element: Element) -> String {
    let mut text = String::with_capacity(values.len() * element.bytes() * 2);
    for byte in values.iter().flat_map(|v| element.encode(*v)) {
        let _ = write!(text, "{byte:02X}");
    }
    text
}

impl Model<'_> {}
