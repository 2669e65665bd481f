//! From files to a module, and what every step does with it: running passes, showing what they say.

use crate::args::Cli;
use crate::console::Console;
use crate::error::CompileError;
use crate::regions::Region;
use spec_codegen::ffi::Session;
use spec_dialect::attrs::Model;
use spec_dialect::ffi::{Attr, Op, parse_module_file, parse_op};
use std::path::Path;

/// Runs a pipeline, shows its diagnostics.
///
/// # Errors
/// `what` failed: the diagnostics, or `text` of the pipeline's parser, say why.
pub fn run(
    session: &Session,
    console: &mut Console,
    module: Op,
    pipeline: &str,
    what: &str,
) -> Result<(), CompileError> {
    let result = session.run(module, pipeline);
    console.show(session.messages());
    result.map_err(|text| match text.trim() {
        "" => CompileError::Rejected(what.into()),
        text => CompileError::Rejected(format!("{what}: {text}")),
    })
}

/// Reads the module, or links two.
///
/// # Errors
/// A file cannot be read or parsed.
pub fn read(session: &Session, console: &mut Console, cli: &Cli) -> Result<Op, CompileError> {
    if let Some(path) = &cli.model {
        return parse(session, console, path);
    }
    let options = [("drafter", &cli.drafter), ("target", &cli.target)];
    let mut text = vec![];
    for (name, path) in options {
        if let Some(path) = path {
            readable(path)?;
            text.push(format!("{name}={}", quoted(path)?));
        }
    }
    let module = parse_op(session.ctx(), "module {}", "<link>");
    let module =
        module.ok_or_else(|| CompileError::Internal("an empty module does not parse".into()))?;
    let pipeline = format!("builtin.module(spec-link{{{}}})", text.join(" "));
    run(
        session,
        console,
        module,
        &pipeline,
        "cannot link the two files",
    )?;
    Ok(module)
}

fn readable(path: &Path) -> Result<(), CompileError> {
    let metadata = std::fs::metadata(path).map_err(CompileError::reading(path))?;
    if metadata.is_dir() {
        let source = std::io::ErrorKind::IsADirectory.into();
        let path = path.to_owned();
        return Err(CompileError::Read { path, source });
    }
    let opened = std::fs::File::open(path).map_err(CompileError::reading(path));
    opened.map(|_| ())
}

fn parse(session: &Session, console: &mut Console, path: &Path) -> Result<Op, CompileError> {
    readable(path)?;
    let Some(text) = path.to_str() else {
        let message = format!("the path {} is not UTF-8; rename it", path.display());
        return Err(CompileError::Refused(message));
    };
    let module = parse_module_file(session.ctx(), text);
    console.show(session.messages());
    module.ok_or_else(|| CompileError::Rejected(format!("{text} is not a module of MLIR")))
}

/// A path as the value of a pass option: MLIR splits at spaces, takes quotes, and counts braces.
///
/// # Errors
/// It holds what cannot be quoted.
pub fn quoted(path: &Path) -> Result<String, CompileError> {
    let text = path.to_string_lossy();
    if path.to_str().is_none() || text.contains(['"', '\'', '{', '}']) {
        let message =
            format!("the path {text} holds a quote or a brace, or is not UTF-8; rename it");
        return Err(CompileError::Refused(message));
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+@%".contains(&b);
    Ok(if text.bytes().all(plain) {
        text.into_owned()
    } else {
        format!("\"{text}\"")
    })
}

/// A model that was inlined in a larger function has lost its `#spec.model`; alone, it may be found again. If not, its arguments
/// stay without a purpose.
pub fn identify_again(session: &Session, cli: &Cli, region: &Region) {
    let Some(role) = region.role.filter(|_| !cli.as_is) else {
        return;
    };
    if region
        .functions()
        .iter()
        .any(|f| f.attr("spec.model").is_some())
    {
        return;
    }
    for (i, entry) in region.entries().into_iter().enumerate() {
        let alone = Region {
            module: region.module.duplicate(),
            ..region.clone()
        };
        if let Some(found) = identify_alone(session, &alone, i) {
            let own = Model { role, ..found }.to_attr(entry.ctx());
            own.inspect(|own| entry.set_attr("spec.model", *own));
        }
        session.messages(); // nobody asked
        alone.module.erase();
    }
}

/// What `spec-identify` finds in entry `i` without the other entries. A model alone counts as the target.
fn identify_alone(session: &Session, region: &Region, i: usize) -> Option<Model> {
    let mut entries = region.entries();
    let entry = (i < entries.len()).then(|| entries.remove(i))?;
    entries.into_iter().for_each(Op::erase);
    entry.set_attr("spec.role", Attr::string(entry.ctx(), "target"));
    session
        .run(region.module, "builtin.module(spec-identify)")
        .ok()?;
    let mut models = region
        .functions()
        .into_iter()
        .filter_map(|f| f.attr("spec.model"));
    models.find_map(Model::from_attr)
}
