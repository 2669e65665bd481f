//! The whole module: which functions are models, which hold models, and which model is the drafter and which the target.

use super::bounds::{Bounds, Unbounded};
use super::facts::Kind;
use super::find::{Analysis, Instance};
use super::graph::{Graph, NodeKind};
use super::grouping::group;
use super::interface::{Interface, interface};
use super::roles::{assign_roles, check_pair};
use super::shape::{Measured, measure};
use petgraph::graph::NodeIndex;
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};
use spec_cost::ModelShape;
use spec_dialect::attrs::Role;
use spec_dialect::ffi::{Loc, Op, foreign_advice};
use spec_dialect::pass::{Diagnostic, Diagnostics};

/// A function and what is in it.
pub struct Function {
    /// The function.
    pub op: Op,
    /// Its analysed graph.
    pub analysis: Analysis,
    /// Measures of each instance of the analysis.
    pub measured: Vec<Measured>,
    /// The interface, if the function is exactly one forward call.
    pub interface: Option<Interface>,
}

/// Reference to one forward call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallRef {
    /// Index of the function.
    pub function: usize,
    /// Index of the instance within it.
    pub instance: usize,
}

/// A language model: all forward calls that use the same parameters.
pub struct FoundModel {
    /// Name for messages and symbols.
    pub name: String,
    /// Role, once decided.
    pub role: Option<Role>,
    /// Why it has that role.
    pub why: String,
    /// Its forward calls in the module.
    pub calls: Vec<CallRef>,
    /// Shape, with all entry points.
    pub shape: ModelShape,
    /// Where it is.
    pub loc: Loc,
}

/// A call of a model function from another function.
pub struct CallSite {
    /// The call op.
    pub op: Op,
    /// Function that is called.
    pub callee: usize,
    /// Function it stands in.
    pub caller: usize,
    /// Loops around it within the caller.
    pub in_loop: bool,
    /// Constant trip count of those loops, if known.
    pub trips: Option<u64>,
}

/// What identification found out about a module.
pub struct Program {
    /// Functions that were analysed.
    pub functions: Vec<Function>,
    /// Models; drafter first, if there is one, then target.
    pub models: Vec<FoundModel>,
    /// Index of the drafter.
    pub drafter: Option<usize>,
    /// Index of the target.
    pub target: usize,
    /// Calls of model functions.
    pub sites: Vec<CallSite>,
    /// Things the user should know.
    pub warnings: Vec<(Loc, String)>,
}

impl Program {
    /// The instance that a reference names.
    pub fn instance(&self, c: CallRef) -> (&Function, &Instance, &Measured) {
        let f = &self.functions[c.function];
        (
            f,
            &f.analysis.instances[c.instance],
            &f.measured[c.instance],
        )
    }

    /// The ops of an inlined call's block that belong to that call alone, in program order. What others read as well and is
    /// not computed from tokens (masks, rotation tables, positions) is not listed: it is cheaper recomputed than moved.
    pub fn own_ops(&self, c: CallRef) -> Vec<Op> {
        let a = &self.functions[c.function].analysis;
        let me = &a.instances[c.instance];
        let mut active: HashMap<Op, bool> = HashMap::default();
        for n in &me.nodes {
            if let Some(op) = a.graph.top(*n, me.scope) {
                *active.entry(op).or_default() |= a.active[n.index()];
            }
        }
        let block = a.graph.scopes[me.scope].block;
        let in_order: Vec<Op> = block
            .ops()
            .into_iter()
            .filter(|o| active.contains_key(o))
            .collect();
        let mut mine: HashSet<Op> = in_order.iter().copied().collect();
        let enclosing = |mut user: Op| loop {
            match user.block() {
                Some(b) if b == block => break Some(user),
                _ => match user.parent() {
                    Some(p) => user = p,
                    None => break None,
                },
            }
        };
        // users come later in the block, so one pass from the end settles all
        for op in in_order.iter().rev() {
            let shared = !active[op]
                && op.results().any(|r| {
                    r.uses()
                        .into_iter()
                        .any(|(u, _)| enclosing(u).is_none_or(|u| !mine.contains(&u)))
                });
            if shared {
                mine.remove(op);
            }
        }
        in_order.into_iter().filter(|o| mine.contains(o)).collect()
    }

    /// The forward call with most tokens of a model, the first of them.
    pub fn widest(&self, m: &FoundModel) -> CallRef {
        *m.calls
            .iter()
            .rev()
            .max_by_key(|c| self.instance(**c).2.tokens)
            .unwrap_or(&m.calls[0])
    }

    /// The model of a role.
    pub fn model(&self, role: Role) -> Option<&FoundModel> {
        match role {
            Role::Target => self.models.get(self.target),
            Role::Drafter => self.drafter.map(|d| &self.models[d]),
        }
    }
}

/// Identifies the models of a module.
///
/// # Errors
/// Everything that keeps the module from being partitioned, each at its location.
pub fn identify(module: Op) -> Result<Program, Diagnostics> {
    check_dialects(module)?;
    let functions = analyse_functions(module)?;
    let models = group(&functions);
    if models.is_empty() {
        return Err(no_model(module, &functions));
    }
    let mut program = Program {
        functions,
        models,
        drafter: None,
        target: 0,
        sites: vec![],
        warnings: vec![],
    };
    assign_roles(&mut program)?;
    check_pair(&mut program)?;
    program.sites = call_sites(&program);
    Ok(program)
}

const MAX_DIAGNOSTICS: usize = 5;

fn check_dialects(module: Op) -> Result<(), Diagnostics> {
    let mut errors: Vec<Diagnostic> = vec![];
    let mut seen: HashSet<String> = HashSet::default();
    if module.attr("spec.plan").is_some()
        && module
            .body()
            .is_some_and(|b| b.ops().iter().any(|o| o.name() == "builtin.module"))
    {
        return Err(Diagnostics::at(
            module.loc(),
            "spec-identify: the module is partitioned already (it has a spec.plan and device modules); give the module as it was before",
        ));
    }
    for op in module.nested() {
        let name = op.name();
        let dialect = name.split('.').next().unwrap_or_default();
        let message = if dialect == "tosa" {
            "is of the 'tosa' dialect: run --tosa-to-linalg-pipeline and --tosa-to-arith first"
                .to_owned()
        } else if op.is_unregistered() && dialect != "spec" {
            let advice = foreign_advice(dialect)
                .unwrap_or("lower it to linalg on tensors with the tool it comes from");
            format!("is of the '{dialect}' dialect, which is not part of upstream MLIR: {advice}")
        } else if dialect == "linalg"
            && op.results().len() == 0
            && op.operands().len() > 0
            && op.region_count() > 0
        {
            "works on buffers: identification needs linalg on tensors, so run it before bufferization".to_owned()
        } else {
            continue;
        };
        if seen.insert(dialect.to_owned()) && errors.len() < MAX_DIAGNOSTICS {
            errors.push(Diagnostic {
                loc: op.loc(),
                message: format!("spec-identify: '{name}' {message}"),
                notes: vec![],
            });
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Diagnostics(errors))
    }
}

/// Callees before callers, each function once; recursion is reported by the graph builder.
fn callee_first(functions: &[Op], by_name: &HashMap<&str, usize>) -> Vec<usize> {
    let callees: Vec<Vec<usize>> = functions
        .iter()
        .map(|f| {
            f.nested()
                .into_iter()
                .filter(|o| o.name() == "func.call")
                .filter_map(|o| by_name.get(o.attr("callee")?.as_flat_symbol()?).copied())
                .collect()
        })
        .collect();
    let (mut order, mut state) = (vec![], vec![0u8; functions.len()]);
    for start in 0..functions.len() {
        let mut stack = vec![(start, 0)];
        while let Some((f, next)) = stack.pop() {
            if next == 0 && state[f] != 0 {
                continue;
            }
            state[f] = 1;
            match callees[f].get(next) {
                Some(&c) => {
                    stack.push((f, next + 1));
                    if state[c] == 0 {
                        stack.push((c, 0));
                    }
                }
                None if state[f] == 1 => {
                    state[f] = 2;
                    order.push(f);
                }
                None => {}
            }
        }
    }
    let mut seen = HashSet::default();
    order.retain(|f| seen.insert(*f));
    order
}

fn analyse_functions(module: Op) -> Result<Vec<Function>, Diagnostics> {
    let ops: Vec<Op> = module
        .body()
        .map(|b| b.ops())
        .unwrap_or_default()
        .into_iter()
        .filter(|o| o.name() == "func.func" && o.body().is_some())
        .collect();
    let by_name: HashMap<&str, usize> = ops
        .iter()
        .enumerate()
        .filter_map(|(i, f)| Some((f.symbol()?, i)))
        .collect();
    let mut opaque: HashSet<usize> = HashSet::default();
    let mut bounds = Bounds::default();
    let mut functions = vec![];
    for i in callee_first(&ops, &by_name) {
        let callee = |call: Op| {
            let f = *by_name.get(call.attr("callee")?.as_flat_symbol()?)?;
            (!opaque.contains(&f)).then(|| ops[f])
        };
        let Some(graph) = Graph::build(ops[i], &callee)? else {
            continue;
        };
        let analysis = Analysis::new(graph, &mut bounds);
        let calls_models = analysis
            .graph
            .graph
            .node_weights()
            .any(|n| matches!(n.kind, NodeKind::Call(_)));
        if !analysis.instances.is_empty() || calls_models {
            opaque.insert(i);
        }
        let is_function =
            !calls_models && analysis.instances.len() == 1 && analysis.instances[0].scope == 0;
        let name = ops[i].symbol().unwrap_or("model").to_owned();
        let measured: Vec<Measured> = analysis
            .instances
            .iter()
            .map(|x| measure(&analysis, x, &name))
            .collect();
        let interface =
            is_function.then(|| interface(&analysis, &analysis.instances[0], &measured[0]));
        if let (Some(u), false) = (analysis.unbounded.first(), analysis.instances.is_empty()) {
            return Err(Diagnostics(vec![unbounded(u)]));
        }
        functions.push(Function {
            op: ops[i],
            analysis,
            measured,
            interface,
        });
    }
    functions.sort_by_key(|f| ops.iter().position(|o| *o == f.op));
    Ok(functions)
}

fn unbounded(u: &Unbounded) -> Diagnostic {
    let message = format!(
        "spec-identify: cannot bound the dynamic size of {}: export with static shapes, or give the function's argument an upper bound for each dimension, for example {{spec.bounds = array<i64: 1, 256>}}",
        u.what
    );
    Diagnostic {
        loc: u.loc,
        message,
        notes: vec![],
    }
}

fn no_model(module: Op, functions: &[Function]) -> Diagnostics {
    let mut errors: Vec<Diagnostic> = functions
        .iter()
        .filter_map(|f| f.analysis.unbounded.first())
        .map(unbounded)
        .collect();
    if !errors.is_empty() {
        errors.truncate(MAX_DIAGNOSTICS);
        return Diagnostics(errors);
    }
    for f in functions {
        let a = &f.analysis;
        let products = a
            .graph
            .graph
            .node_indices()
            .filter(|n| matches!(a.kind(*n), Some(Kind::Contraction(_))))
            .collect::<Vec<_>>();
        let Some(&last) = a.stray_products.last().or(products.last()) else {
            continue;
        };
        let embeds = a
            .graph
            .graph
            .node_indices()
            .any(|n| matches!(a.kind(n), Some(Kind::Gather { .. })));
        let what = if embeds {
            "no logits: the last product with parameters has no column for each row of the embedding table, so this is not the forward call of a language model; export the model with its head (lm_head)"
        } else {
            "no embedding: no token id selects a row of a table, so this is not the forward call of a language model; export the model from token ids on"
        };
        let name = f.op.symbol().unwrap_or("?");
        let at = a.graph.op(last).map_or(f.op.loc(), |o| o.loc());
        errors.push(Diagnostic {
            loc: at,
            message: format!("spec-identify: @{name} has {what}"),
            notes: vec![(f.op.loc(), "in this function".into())],
        });
        if errors.len() == MAX_DIAGNOSTICS {
            break;
        }
    }
    if errors.is_empty() {
        let what = if functions.is_empty() {
            "the module has no function with a body"
        } else {
            "no function of the module multiplies activations by parameters"
        };
        return Diagnostics::at(
            module.loc(),
            format!("spec-identify: no language model found: {what}"),
        );
    }
    Diagnostics(errors)
}

fn call_sites(p: &Program) -> Vec<CallSite> {
    let by_name: HashMap<&str, usize> = p
        .functions
        .iter()
        .enumerate()
        .filter(|(_, f)| f.interface.is_some())
        .filter_map(|(i, f)| Some((f.op.symbol()?, i)))
        .collect();
    let mut sites = vec![];
    for (caller, f) in p.functions.iter().enumerate() {
        let g = &f.analysis.graph;
        let calls = g
            .graph
            .node_indices()
            .filter_map(|n| match g.graph[n].kind {
                NodeKind::Call(op) => Some((n, op)),
                _ => None,
            });
        for (n, op) in calls {
            let Some(&callee) = op
                .attr("callee")
                .and_then(|a| a.as_flat_symbol())
                .and_then(|s| by_name.get(s))
            else {
                continue;
            };
            let (in_loop, known) = loops_around(f, n);
            sites.push(CallSite {
                op,
                callee,
                caller,
                in_loop,
                trips: known.then(|| g.trips(n, 0)),
            });
        }
    }
    sites
}

fn loops_around(f: &Function, n: NodeIndex) -> (bool, bool) {
    let g = &f.analysis.graph;
    let (mut in_loop, mut known) = (false, true);
    let mut s = Some(g.graph[n].scope);
    while let Some(id) = s {
        let scope = &g.scopes[id];
        in_loop |= scope
            .owner
            .is_some_and(|o| matches!(o.name(), "scf.for" | "scf.while" | "affine.for"));
        known &= scope.trips_known;
        s = scope.parent;
    }
    (in_loop, known)
}
