//! Links a drafter and a target from two files into one module.
//!
//! *Before*: any module; two files, each with one model (one or more functions). Here both have `@main` and a `@table`.
//!
//! ```mlir
//! module {
//! }
//! ```
//!
//! *After*: the symbols of both files are in the module, the model functions marked with `spec.role`. Names that clash get the
//! role in front, and so do all references to them.
//!
//! ```mlir
//! module {
//!   ml_program.global private @table(dense<1.000000e+00> : tensor<4xf32>) : tensor<4xf32>
//!   func.func @main() -> tensor<4xf32> attributes {spec.role = "drafter"} {
//!   ml_program.global private @target_table(dense<2.000000e+00> : tensor<4xf32>) : tensor<4xf32>
//!   func.func @target_main() -> tensor<4xf32> attributes {spec.role = "target"} {
//!     ... = ml_program.global_load_const @target_table : tensor<4xf32>
//! ```
//!
//! *Why here*: first, so that everything after it sees one module.
//!
//! *Legality*: symbols are renamed, ops are moved; nothing is changed. Constants stay shared: a file's resources are parsed
//! into the context once and are not copied.
//!
//! *Options*: `drafter=FILE`, `target=FILE` (text or bytecode); `drafter` may be left out.
//!
//! *Neighbours*: before `spec-identify`.
//!
//! *Does not do*: it does not check that the two fit together; `spec-identify` does.

use spec_dialect::ffi::{Attr, Ctx, Op, Options, parse_module_file};
use spec_dialect::pass::{Dependency, Diagnostics, OptionDesc, OptionKind, Pass, PassDesc};
use std::collections::{HashMap, HashSet};

/// The pass.
#[derive(Clone, Default)]
pub struct Link {
    drafter: String,
    target: String,
}

impl Pass for Link {
    const DESC: PassDesc = PassDesc {
        argument: "spec-link",
        name: "SpecLink",
        help: "Link a drafter and a target from two files into the module",
        op: "builtin.module",
        dialects: &[
            Dependency::Spec,
            Dependency::Func,
            Dependency::Arith,
            Dependency::ControlFlow,
            Dependency::Linalg,
            Dependency::Math,
            Dependency::Scf,
            Dependency::Tensor,
            Dependency::MlProgram,
        ],
        options: &[
            OptionDesc {
                name: "drafter",
                help: "file with the drafter",
                kind: OptionKind::String,
                default: "",
            },
            OptionDesc {
                name: "target",
                help: "file with the target",
                kind: OptionKind::String,
                default: "",
            },
        ],
    };

    fn initialize(&mut self, options: &Options, _: Ctx) -> Result<(), String> {
        self.drafter = options.string("drafter");
        self.target = options.string("target");
        if self.target.is_empty() {
            return Err("the option target=FILE is required".into());
        }
        Ok(())
    }

    fn run(&mut self, module: Op) -> Result<(), Diagnostics> {
        let files = [("drafter", &self.drafter), ("target", &self.target)]
            .into_iter()
            .filter(|(_, f)| !f.is_empty());
        let mut parsed = vec![];
        for (role, file) in files {
            parsed.push((role, read(module, role, file)?));
        }
        for (role, source) in parsed {
            merge(module, source, role);
        }
        Ok(())
    }
}

fn read(module: Op, role: &str, file: &str) -> Result<Op, Diagnostics> {
    let ctx = module.ctx();
    let at = |line| ctx.file_loc(file, line, 1);
    let unreadable = match std::fs::metadata(file) {
        Ok(m) if m.is_dir() => Some(std::io::ErrorKind::IsADirectory.into()),
        Ok(_) => std::fs::File::open(file).err(),
        Err(e) => Some(e),
    };
    if let Some(e) = unreadable {
        return Err(Diagnostics::at(
            at(0),
            format!("spec-link: cannot read the {role}: {e}"),
        ));
    }
    let source = parse_module_file(ctx, file).ok_or_else(|| {
        Diagnostics::at(
            at(0),
            format!("spec-link: cannot parse the {role} (see above)"),
        )
    })?;
    let has_function = source
        .body()
        .is_some_and(|b| b.ops().iter().any(|o| o.name() == "func.func"));
    if !has_function {
        return Err(Diagnostics::at(
            at(1),
            format!("spec-link: the {role} file has no function"),
        ));
    }
    Ok(source)
}

/// Moves all symbols of `source` into `module`.
fn merge(module: Op, source: Op, role: &str) {
    let (Some(into), Some(from)) = (module.body(), source.body()) else {
        return;
    };
    let ctx = module.ctx();
    let mut taken: HashSet<String> = into
        .ops()
        .iter()
        .filter_map(|o| o.symbol())
        .map(str::to_owned)
        .collect();
    let mut renamed: HashMap<String, String> = HashMap::new();
    let symbols: Vec<String> = from
        .ops()
        .iter()
        .filter_map(|o| o.symbol())
        .map(str::to_owned)
        .collect();
    let all: HashSet<&String> = symbols.iter().collect();
    for name in &symbols {
        let mut new = name.clone();
        let mut n = 0;
        while taken.contains(&new) || (new != *name && all.contains(&new)) {
            n += 1;
            new = if n == 1 {
                format!("{role}_{name}")
            } else {
                format!("{role}_{name}_{n}")
            };
        }
        taken.insert(new.clone());
        if new != *name {
            renamed.insert(name.clone(), new);
        }
    }
    for op in from.ops() {
        for o in if renamed.is_empty() {
            vec![]
        } else {
            op.nested()
        } {
            for (key, value) in o.attrs() {
                let own = key == "sym_name" && o == op;
                let old = if own {
                    value.as_str()
                } else {
                    value.as_flat_symbol()
                };
                if let Some(new) = old.and_then(|s| renamed.get(s)) {
                    o.set_attr(
                        key,
                        if own {
                            Attr::string(ctx, new)
                        } else {
                            Attr::flat_symbol(ctx, new)
                        },
                    );
                }
            }
        }
        if op.name() == "func.func"
            && op.body().is_some()
            && op.attr("spec.role").is_none()
            && op.str_attr("sym_visibility") != Some("private")
        {
            op.set_attr("spec.role", Attr::string(ctx, role));
        }
        op.move_to_end(into);
    }
    source.erase();
}
