//! From files to a module that holds a plan, or one model, or plain functions.

use crate::args::Cli;
use crate::console::Console;
use crate::error::CompileError;
use crate::regions::Region;
use crate::target::{HOST, VULKAN};
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
fn quoted(path: &Path) -> Result<String, CompileError> {
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

/// Finds the models; a drafter and its target are placed and outlined. A module with a plan stays as it is.
///
/// # Errors
/// No model, or one that cannot be placed; diagnostics say why.
pub fn plan(
    session: &Session,
    console: &mut Console,
    cli: &Cli,
    module: Op,
) -> Result<(), CompileError> {
    if cli.as_is || module.attr("spec.plan").is_some() {
        return unused(console, cli);
    }
    spec_passes::session::start(true, None);
    let identify = "builtin.module(spec-identify)";
    let what = "the models of this module cannot be identified; to compile its functions as they are, add --as-is";
    run(session, console, module, identify, what)?;
    let reports = spec_passes::session::take();
    let mut models = reports.iter().flat_map(|r| &r.models);
    if !models.any(|m| m.role.as_deref() == Some("drafter")) {
        if cli.drafter_device.is_some() || !cli.plan_options.is_empty() {
            console.warn(
                "the module holds one model: --drafter-device and --plan-options have no effect",
            );
        }
        return Ok(());
    }
    let pipeline = format!(
        "builtin.module(spec-place{{{}}},spec-outline)",
        options(cli)?
    );
    run(
        session,
        console,
        module,
        &pipeline,
        "the pair cannot be partitioned",
    )
}

/// Warns of options that only a decision would read.
fn unused(console: &mut Console, cli: &Cli) -> Result<(), CompileError> {
    let given = cli.drafter_device.is_some() || !cli.plan_options.is_empty();
    if given || (cli.target_device.is_some() && !cli.as_is) {
        console.warn("nothing is left to decide: --plan-options, --drafter-device and --target-device have no effect");
    }
    Ok(())
}

/// Options of `spec-place`.
fn options(cli: &Cli) -> Result<String, CompileError> {
    if cli.plan_options.contains(['{', '}']) {
        let message = "--plan-options holds a brace; give KEY=VALUE, separated by spaces";
        return Err(CompileError::Refused(message.into()));
    }
    let names = cli.plan_options.split_whitespace();
    let names: Vec<&str> = names.filter_map(|o| Some(o.split_once('=')?.0)).collect();
    let mut all = vec![format!("soc={}", quoted(Path::new(&cli.soc))?)];
    let pins = [
        ("force-drafter", "--drafter-device", &cli.drafter_device),
        ("force-target", "--target-device", &cli.target_device),
    ];
    for (option, flag, value) in pins {
        let Some(value) = value else { continue };
        if names.contains(&option) {
            let message =
                format!("{option} stands in --plan-options, and {flag} is given; leave one out");
            return Err(CompileError::Refused(message));
        }
        let unit = value.split(':').next().unwrap_or_default();
        // a kind of unit is a placement too; the name counts when code is made
        let value = match unit {
            VULKAN if cli.soc == HOST => "gpu",
            VULKAN => {
                let message =
                    format!("{flag}: vulkan[:NAME] is a GPU of this machine, for --soc host");
                return Err(CompileError::Refused(message));
            }
            _ => value,
        };
        all.push(format!("{option}={}", quoted(Path::new(value))?));
    }
    if names.contains(&"soc") {
        let message = "soc stands in --plan-options; give the device with --soc";
        return Err(CompileError::Refused(message.into()));
    }
    all.push(cli.plan_options.clone());
    Ok(all.join(" ").trim_end().to_owned())
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
